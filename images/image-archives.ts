import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { KnarrError, messageOf } from '../src/base/errors.ts';

/** How an archive begins, by the end of its name. */
const beginnings: Readonly<Record<string, { at: number; bytes: Buffer }>> = {
  '.tar': { at: 257, bytes: Buffer.from('ustar') },
  '.tar.gz': { at: 0, bytes: Buffer.from([0x1f, 0x8b]) },
  '.tgz': { at: 0, bytes: Buffer.from([0x1f, 0x8b]) },
  '.tar.zst': { at: 0, bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
};

async function readAt(path: string, at: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * The archives of `--add-images`, each a tar with a name of its own, compressed as the name says. Throws KnarrError
 * `usage` for others, which no machine of the image could import.
 */
export async function imageArchives(paths: readonly string[]): Promise<string[]> {
  const refuse = (message: string): never => {
    throw new KnarrError({ code: 'usage', blame: 'user', message: `--add-images: ${message}` });
  };
  const names = new Set<string>();
  for (const path of paths) {
    const name = basename(path);
    const ending = /^[\w.+-]+?(\.tar|\.tar\.gz|\.tgz|\.tar\.zst)$/.exec(name)?.[1] ?? '';
    const begins = beginnings[ending];
    if (begins === undefined) return refuse(`${path}: an archive of images is a .tar, .tar.gz, .tgz or .tar.zst`);
    if (names.has(name)) return refuse(`${path}: there is another ${name}`);
    names.add(name);
    const found = await readAt(path, begins.at, begins.bytes.length).catch((error: unknown) =>
      refuse(`${path}: ${messageOf(error)}`),
    );
    if (!found.equals(begins.bytes)) return refuse(`${path} is no ${ending}, by what is in it`);
  }
  return [...paths];
}
