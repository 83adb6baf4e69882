import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { Parts } from './parts.ts';
import { run } from './tools/patient-run.ts';

const compress = promisify(zstdCompress);

/** What a part of an image takes, in bytes. */
export interface Room {
  part: string;
  size: number;
  compressed: number;
}

/** Which Debian package each path of a root is from. */
async function owners(parts: Parts): Promise<Map<string, string>> {
  const { root, flavour, extra } = parts.fetched;
  const found = new Map<string, string>();
  for (const { packages, files } of [root, flavour, extra])
    for (const [index, file] of files.entries()) {
      const { stdout } = await run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -t', 'sh', file]);
      for (const line of stdout.split('\n')) {
        const path = line.replace(/^\.\//, '').replace(/^(bin|sbin|lib|lib64)\//, 'usr/$1/');
        if (!path.endsWith('/')) found.set(path, packages[index]?.name ?? '');
      }
    }
  return found;
}

const ownParts: readonly (readonly [prefix: string, part: string])[] = [
  ['usr/lib/knarr/node', 'Node'],
  ['usr/lib/knarr/facts', 'Knarr: facts'],
  ['usr/lib/knarr/', 'Knarr'],
  ['usr/share/knarr/', 'container images, configuration'],
];

/** The files of a tree by their paths; links are not followed. */
async function filesOf(root: string, folder = ''): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesOf(root, path);
      return entry.isFile() ? [path] : [];
    }),
  );
  return found.flat().sort();
}

/** What takes the room in a root: every package, and what is not from one; each compressed by itself, which is an estimate. */
export async function roomsOf(root: string, owner: (path: string) => string): Promise<Room[]> {
  const contents = new Map<string, Buffer[]>();
  for (const path of await filesOf(root)) {
    const part = owner(path);
    const list = contents.get(part) ?? [];
    list.push(await readFile(join(root, path)));
    contents.set(part, list);
  }
  const rooms: Room[] = [];
  for (const [part, list] of contents) {
    const whole = Buffer.concat(list);
    const params = { [constants.ZSTD_c_compressionLevel]: 9 };
    rooms.push({ part, size: whole.length, compressed: (await compress(whole, { params })).length });
  }
  return rooms.sort((a, b) => b.compressed - a.compressed);
}

/** The rooms as a table; what is small is one line together. */
export function renderRooms(title: string, rooms: readonly Room[], least: number): string {
  const large = rooms.filter(({ compressed }) => compressed >= least);
  const small = rooms.filter(({ compressed }) => compressed < least);
  const sum = (list: readonly Room[], part: string): Room => ({
    part,
    size: list.reduce((total, { size }) => total + size, 0),
    compressed: list.reduce((total, { compressed }) => total + compressed, 0),
  });
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(8);
  const lines = [...large, sum(small, `${small.length} smaller ones`), sum(rooms, 'in all')].map(
    ({ part, size, compressed }) => `  ${mb(size)} ${mb(compressed)}  ${part}`,
  );
  return `\n${title}\n  ${'MB'.padStart(8)} ${'zstd'.padStart(8)}\n${lines.join('\n')}\n`;
}

/** What takes the room in an image, for people. */
export async function reportOf(parts: Parts): Promise<string> {
  const known = await owners(parts);
  const owner = (path: string): string => {
    const own = ownParts.find(([prefix]) => path.startsWith(prefix))?.[1];
    // modules may have been unpacked
    return own ?? known.get(path) ?? known.get(`${path}.xz`) ?? 'made here';
  };
  const rooms = await roomsOf(join(parts.system, 'root'), owner);
  const file = async (part: string, path: string): Promise<string> =>
    `  ${((await stat(path)).size / 1e6).toFixed(1).padStart(8)}           ${part}\n`;
  const slots = [
    await file('root.img: the root, compressed, with its hashes', join(parts.slot, 'root.img')),
    await file('knarr.efi: the unified kernel image', join(parts.uki, 'knarr.efi')),
    await file('  of it the kernel', join(parts.kernel, 'kernel')),
    await file('  of it the initrd', join(parts.initrd, 'initrd')),
  ];
  return `${renderRooms('The root by package:', rooms, 400_000)}\nA slot:\n${slots.join('')}\n`;
}
