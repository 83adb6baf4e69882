import { preferring } from '../../boot/entries.ts';
import { withEntries } from '../../boot/esp.ts';
import { fileOf, verifyFile } from '../manifest.ts';
import type { UpgradePhase } from '../run.ts';
import { keepSigned } from '../signed.ts';
import { checked } from './write.ts';

/** Passes bytes on, and tells when the first of them went by. */
async function* noticing(data: AsyncIterable<Uint8Array>, begun: () => Promise<void>): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of data) {
    yield chunk;
    if (first) await begun();
    first = false;
  }
}

/** The unified kernel image gets onto the EFI system partition, on trial from its first moment. */
export const entry: UpgradePhase = {
  name: 'entry',
  midst: ['entry/half', 'entry/placed'],
  async run({ host, disk, update, options, reach }) {
    const { manifest } = update;
    const uki = fileOf(manifest, 'uki');
    const { target } = preferring(manifest.version, disk.running.version ?? '', options.tries);
    await withEntries(host, disk, 'write', async (entries) => {
      await keepSigned(entries, update);
      const data = noticing(checked(update.open('uki'), uki), () => reach('entry/half'));
      await verifyFile(await entries.place(manifest.version, target, data), uki);
    });
    await reach('entry/placed');
  },
};
