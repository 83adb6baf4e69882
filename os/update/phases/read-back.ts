import { fileOf, verifyFile } from '../manifest.ts';
import type { UpgradePhase } from '../run.ts';

/** From the disk, not from the memory of what was written. */
export const readBack: UpgradePhase = {
  name: 'read-back',
  async run({ host, disk, update }) {
    await host.run('blockdev', ['--flushbufs', disk.other.device]);
    await verifyFile(disk.other.device, fileOf(update.manifest, 'root'));
  },
};
