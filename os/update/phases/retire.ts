import { rm } from 'node:fs/promises';
import { withEntries } from '../../boot/esp.ts';
import type { UpgradePhase } from '../run.ts';
import { signedFolder } from '../signed.ts';

/**
 * The other slot is about to change: nothing may start from it. The running version's entry stays, and is a good one: it
 * was put last where an older version was to start that never did.
 */
export const retire: UpgradePhase = {
  name: 'retire',
  midst: ['retire/half'],
  async run({ host, disk, state, reach }) {
    await withEntries(host, disk, 'write', async (entries) => {
      await entries.tidy();
      for (const entry of await entries.list()) {
        if (entry.version === disk.running.version) continue;
        await entries.remove(entry);
        await reach('retire/half');
        await rm(signedFolder(entries, entry.version), { recursive: true, force: true });
      }
      for (const entry of await entries.list()) await entries.retry(entry, undefined);
    });
    await state.remove('pending');
  },
};
