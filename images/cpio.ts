import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** An entry's header in the "newc" form, its name and its content, each padded to four bytes. */
function entry(inode: number, name: string, mode: number, content: Uint8Array): Buffer[] {
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const encoded = Buffer.from(`${name}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, encoded.length, 0];
  const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
  const header = Buffer.from(`070701${fields.map(hex).join('')}`);
  return [header, encoded, padding(header.length + encoded.length), Buffer.from(content), padding(content.length)];
}

/**
 * A cpio archive of `root` as the kernel reads it, owned by root and with no times: the same tree gives the same bytes.
 * Folders, files and links only; the format is the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
 */
export async function writeCpio(root: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let inode = 1;
  const walk = async (folder: string): Promise<void> => {
    for (const name of (await readdir(join(root, folder))).sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const info = await lstat(join(root, path));
      const content = info.isSymbolicLink()
        ? Buffer.from(await readlink(join(root, path)))
        : info.isFile()
          ? await readFile(join(root, path))
          : Buffer.alloc(0);
      parts.push(...entry(inode++, path, info.mode, content));
      if (info.isDirectory()) await walk(path);
    }
  };
  await walk('');
  parts.push(...entry(0, 'TRAILER!!!', 0, Buffer.alloc(0)));
  return Buffer.concat(parts);
}
