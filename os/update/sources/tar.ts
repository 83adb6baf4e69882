import { type FileHandle, open, rm } from 'node:fs/promises';
import { sourceError, type UpdateSource } from './source.ts';

const block = 512;
const longestName = 1 << 16;

/** Where the plain files of a tar archive lie in it, by the last part of their paths. */
async function tarIndex(file: FileHandle, name: string): Promise<Map<string, { offset: number; size: number }>> {
  const found = new Map<string, { offset: number; size: number }>();
  const header = Buffer.alloc(block);
  let longName: string | undefined;
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(header, 0, block, at);
    if (bytesRead < block || header.every((byte) => byte === 0)) return found;
    let sum = 8 * 32;
    for (const [i, byte] of header.entries()) if (i < 148 || i >= 156) sum += byte;
    const text = (from: number, to: number): string => header.toString('utf8', from, to).replace(/\0[\s\S]*$/, '');
    if (sum !== Number.parseInt(text(148, 156).trim(), 8)) throw sourceError(`${name} is no tar archive, or cut short`);
    // sizes past 8 GiB are binary
    const size =
      (header[124] ?? 0) & 0x80 ? Number(header.readBigUInt64BE(128)) : Number.parseInt(text(124, 136).trim(), 8);
    const type = String.fromCharCode(header[156] ?? 0);
    // it is not known yet who made it
    if (!(size >= 0 && size <= (type === 'L' ? longestName : Number.MAX_SAFE_INTEGER)))
      throw sourceError(`${name} is no tar archive: a member in it has ${size} bytes`);
    at += block;
    if (type === 'L') {
      const data = Buffer.alloc(size);
      await file.read(data, 0, size, at);
      longName = data.toString('utf8').replace(/\0[\s\S]*$/, '');
    } else {
      const path = longName ?? text(0, 100);
      longName = undefined;
      if (type === '0' || type === '\0') found.set(path.slice(path.lastIndexOf('/') + 1), { offset: at, size });
    }
    at += Math.ceil(size / block) * block;
  }
}

/** A tar archive with the update's files in it; `temporary`: removed when the source is closed. */
export async function tarSource(
  path: string,
  options: { name?: string; temporary?: boolean } = {},
): Promise<UpdateSource> {
  const name = options.name ?? path;
  const file = await open(path, 'r').catch((error: Error) => {
    throw sourceError(error.message, error);
  });
  const close = async (): Promise<void> => {
    await file.close();
    if (options.temporary) await rm(path, { force: true });
  };
  try {
    const index = await tarIndex(file, name);
    return {
      name,
      async *open(wanted) {
        const member = index.get(wanted);
        if (member === undefined) throw sourceError(`${name} holds no ${wanted}`);
        const { offset, size } = member;
        for (let done = 0; done < size; ) {
          const chunk = Buffer.allocUnsafe(Math.min(1 << 20, size - done));
          const { bytesRead } = await file.read(chunk, 0, chunk.length, offset + done);
          if (bytesRead === 0) throw sourceError(`${name} is cut short`);
          done += bytesRead;
          yield chunk.subarray(0, bytesRead);
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
