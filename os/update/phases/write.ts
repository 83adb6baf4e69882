import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { KnarrError } from '../../../src/base/errors.ts';
import { fileOf, type UpdateFile } from '../manifest.ts';
import type { UpgradePhase } from '../run.ts';

/** Passes a file's bytes on, and throws KnarrError `update-digest` at their end when they are not the manifest's. */
export async function* checked(data: AsyncIterable<Uint8Array>, file: UpdateFile): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  const bad = (what: string): KnarrError =>
    new KnarrError({
      code: 'update-digest',
      blame: 'world',
      message: `the update's ${file.name} has another ${what} than its manifest says: it was damaged or changed on its way`,
    });
  for await (const chunk of data) {
    size += chunk.length;
    if (size > file.size) throw bad('size');
    hash.update(chunk);
    yield chunk;
  }
  if (size !== file.size) throw bad('size');
  if (hash.digest('hex') !== file.sha256) throw bad('digest');
}

/** Written out after so much, so that the disk is busy all the time and the memory is not full of it. */
const syncBytes = 16 << 20;

/** Into the slot that does not run, whose identity is looked at once more. */
export const write: UpgradePhase = {
  name: 'write',
  midst: ['write/half'],
  async run({ disk, update, say, reach }) {
    if (disk.other.partition.number === disk.running.partition.number || disk.other.device === disk.running.device)
      throw new KnarrError({ code: 'slots', blame: 'bug', message: 'both slots are the same partition' });
    const root = fileOf(update.manifest, 'root');
    const slot = await open(disk.other.device, 'r+');
    try {
      let at = 0;
      let synced = 0;
      let told = 0;
      for await (const chunk of checked(update.open('root'), root)) {
        let done = 0;
        while (done < chunk.length)
          done += (await slot.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
        const before = at;
        at += chunk.length;
        if (at - synced >= syncBytes) {
          await slot.datasync();
          synced = at;
        }
        if (before * 2 < root.size && at * 2 >= root.size) await reach('write/half');
        const percent = Math.floor((at / root.size) * 10) * 10;
        if (percent > told) {
          told = percent;
          say(`write: ${percent} %`);
        }
      }
      await slot.sync();
    } finally {
      await slot.close();
    }
  },
};
