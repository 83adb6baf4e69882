import { randomUUID } from 'node:crypto';
import { changePartitions, type PartitionChange, type WriteAt } from '../../disk/gpt.ts';
import { emptyLabel, readMachineDisk, slotLabel } from '../../disk/machine-disk.ts';
import type { UpgradePhase, UpgradeRun } from '../run.ts';

async function change(upgrade: UpgradeRun, to: PartitionChange, point: string): Promise<void> {
  const { host, disk, reach } = upgrade;
  let writes = 0;
  const counted =
    (write: WriteAt): WriteAt =>
    async (bytes, offset) => {
      await write(bytes, offset);
      writes++;
      await reach(`${point}/${writes}`);
    };
  await changePartitions(disk.device, new Map([[disk.other.partition.number, to]]), counted);
  upgrade.disk = await readMachineDisk(host);
}

const midstOf = (name: string): string[] => [1, 2, 3, 4].map((write) => `${name}/${write}`);

/** While the slot is being written it has no name. */
export const unlabel: UpgradePhase = {
  name: 'unlabel',
  midst: midstOf('unlabel'),
  async run(upgrade) {
    await change(upgrade, { label: emptyLabel, uuid: randomUUID() }, 'unlabel');
  },
};

/** The slot holds what it should, and is named for it. */
export const label: UpgradePhase = {
  name: 'label',
  midst: midstOf('label'),
  async run(upgrade) {
    const { version, partition } = upgrade.update.manifest;
    await change(upgrade, { label: slotLabel(version), uuid: partition }, 'label');
  },
};
