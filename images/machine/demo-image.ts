import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOciArchive } from '../../src/wire/oci-archive.ts';
import type { TarEntry } from '../../src/wire/tar.ts';
import { cache, nodePrograms } from '../tools/paths.ts';

/** The image that machines for trying out and for tests bring along: a static busybox and nothing else. */
export const demoImage = 'knarr.io/busybox:1';

const applets = [
  'sh',
  'cat',
  'echo',
  'env',
  'hostname',
  'httpd',
  'id',
  'ls',
  'mkdir',
  'nc',
  'nslookup',
  'sleep',
  'sync',
  'true',
];

/** Makes the archive of the image for this machine's architecture; gives its path. */
export async function makeDemoImage(): Promise<string> {
  const program = await readFile(nodePrograms.busybox);
  const files: TarEntry[] = [
    { type: 'directory', path: 'bin' },
    { type: 'file', path: 'bin/busybox', mode: 0o755, data: program },
    ...applets.map((name): TarEntry => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' })),
    { type: 'directory', path: 'tmp', mode: 0o1777 },
    { type: 'directory', path: 'www' },
    { type: 'file', path: 'www/index.html', data: Buffer.from('hello from knarr\n') },
  ];
  const archive = writeOciArchive([
    { name: demoImage, files, cmd: ['/bin/httpd', '-f', '-v', '-p', '8080', '-h', '/www'] },
  ]);
  const folder = join(cache, 'images');
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'busybox.tar');
  await writeFile(path, archive);
  return path;
}
