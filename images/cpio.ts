import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type CpioEntry, cpioArchive } from '../src/wire/cpio.ts';

/** A cpio archive of `root`: folders, files and links only. The same tree gives the same bytes. */
export async function writeCpio(root: string): Promise<Buffer> {
  const entries: CpioEntry[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const name of (await readdir(join(root, folder))).sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const info = await lstat(join(root, path));
      const content = info.isSymbolicLink()
        ? Buffer.from(await readlink(join(root, path)))
        : info.isFile()
          ? await readFile(join(root, path))
          : Buffer.alloc(0);
      entries.push({ name: path, mode: info.mode, content });
      if (info.isDirectory()) await walk(path);
    }
  };
  await walk('');
  return Buffer.concat(cpioArchive(entries));
}
