import { readFile } from 'node:fs/promises';
import { writeOciArchive } from '../../src/wire/oci-archive.ts';
import type { TarEntry } from '../../src/wire/tar.ts';

/** A static busybox with its applets, and a user: what most test pods run. */
export const busyboxImage = 'knarr.test/busybox:1';
/** Kubernetes' own test program, where `AGNHOST` names it. */
export const agnhostImage = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0';

const applets = (
  'ash cat chmod cp cut date dd echo env expr false find free grep head hostname httpd id ip kill ln ls md5sum mkdir mount nc ' +
  'netstat nslookup ping printf ps pwd rm sed seq sh sha256sum sleep sort stat stty sync tail tar tee test time timeout top ' +
  'touch tr true tty umount uname uniq vi wc wget which xargs yes'
).split(' ');

const text = (path: string, data: string) => ({ type: 'file', path, data: Buffer.from(data) }) as const;

/** A root file system of a static busybox. */
export function busyboxFiles(busybox: Buffer): readonly TarEntry[] {
  return [
    { type: 'directory', path: 'tmp', mode: 0o1777 },
    { type: 'directory', path: 'etc' },
    text('etc/passwd', 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    { type: 'directory', path: 'bin' },
    { type: 'file', path: 'bin/busybox', data: busybox, mode: 0o755 },
    ...applets.map((name) => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' }) as const),
  ];
}

/** An archive with the images that tests use. */
export async function testImages(programs: { busybox: string }): Promise<Buffer> {
  const agnhost = process.env.AGNHOST;
  const common = busyboxFiles(await readFile(programs.busybox));
  return writeOciArchive([
    { name: busyboxImage, files: common, cmd: ['sh'] },
    ...(agnhost === undefined
      ? []
      : [
          {
            name: agnhostImage,
            files: [...common, { type: 'file', path: 'agnhost', data: await readFile(agnhost), mode: 0o755 } as const],
            entrypoint: ['/agnhost'],
            cmd: ['pause'],
          },
        ]),
  ]);
}
