import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../src/base/errors.ts';
import { sourceError, type UpdateSource } from './source.ts';

/** A folder with the update's files. */
export const folderSource = (folder: string): UpdateSource => ({
  name: folder,
  async *open(name) {
    try {
      for await (const chunk of createReadStream(join(folder, name), { highWaterMark: 1 << 20 }))
        yield chunk as Uint8Array;
    } catch (error) {
      throw sourceError(messageOf(error), error);
    }
  },
  close: async () => {},
});
