import { preferring } from '../../boot/entries.ts';
import { withEntries } from '../../boot/esp.ts';
import type { UpgradePhase } from '../run.ts';

/** Where the boot loader would take the running version before the new one (which is older), it is put last. */
export const prefer: UpgradePhase = {
  name: 'prefer',
  async run({ host, disk, update, options }) {
    const { running } = preferring(update.manifest.version, disk.running.version ?? '', options.tries);
    if (running === undefined) return;
    await withEntries(host, disk, 'write', async (entries) => {
      const own = (await entries.list()).find(({ version }) => version === disk.running.version);
      if (own !== undefined) await entries.retry(own, running);
    });
  },
};
