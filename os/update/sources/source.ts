import { KnarrError } from '../../../src/base/errors.ts';

/** Where an update's files come from. */
export interface UpdateSource {
  /** For people. */
  readonly name: string;
  /** A file by its name, from its first byte. Throws KnarrError `update-source` when there is none. */
  open(name: string): AsyncIterable<Uint8Array>;
  /** Releases what opening the source took: a file, a download. */
  close(): Promise<void>;
}

export const sourceError = (message: string, cause?: unknown): KnarrError =>
  new KnarrError({ code: 'update-source', blame: 'world', message, cause });

/** All of a small file. */
export async function readSmall(source: UpdateSource, name: string, limit = 1 << 20): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of source.open(name)) {
    size += part.length;
    if (size > limit) throw sourceError(`${source.name}: ${name} has more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
