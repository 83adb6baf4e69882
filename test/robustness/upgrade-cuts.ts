import { rm } from 'node:fs/promises';
import { until } from '../../images/machine/cluster.ts';
import { faultPoints } from '../../os/update/phases.ts';
import type { MachineStatus } from '../../os/update/status.ts';
import { testFolder } from '../harness/folder.ts';
import { secondBuild, updatesDisk } from '../harness/updates.ts';
import { deploy, runningVersion, statusOf, stillThere, upgrade } from '../harness/upgrades.ts';
import { patienceMs, testImage, testMachine, untilReady } from '../harness/vm.ts';

/**
 * Cuts a machine's power at every point of an upgrade in turn, as if its plug were pulled (nothing that was not written
 * out survives). It must come back with one of both versions, with all that ran on it, and be able to go on. Resolves
 * with how often; throws with the point at which something was lost.
 */
export async function cutUpgrades(times: number, say: (text: string) => void): Promise<number> {
  const image = await testImage();
  const second = await secondBuild();
  const folder = await testFolder('upgrade-cuts');
  const updates = { [image.version]: image.update, [second.inputs.version]: second.update };
  const media = [await updatesDisk(updates, folder)];
  const machine = await testMachine({ name: 'upgrade-cuts', image, firmware: true, media });
  /** It has started anew, and whatever upgrade was under way is over. */
  const settled = (bootBefore: string, point: string): Promise<MachineStatus> =>
    until(
      `the machine after a cut at ${point}`,
      3 * patienceMs,
      async () => {
        if ((await bootId()) === bootBefore) return undefined;
        const status = await statusOf(machine);
        return status.pending === undefined ? status : undefined;
      },
      { machine, everyMs: 3_000 },
    );
  const bootId = async (): Promise<string> => (await machine.ssh('cat /proc/sys/kernel/random/boot_id')).stdout.trim();
  try {
    await machine.start();
    await deploy(await untilReady(machine));
    let running = image.version;
    for (let done = 0; done < times; done++) {
      const point = faultPoints[done % faultPoints.length] ?? '';
      const target = running === image.version ? second.inputs.version : image.version;
      const boot = await bootId();
      // the connection ends with the machine
      await upgrade(machine, target, '--deadline 15m', `KNARR_FAULT=${point}`).catch(() => {});
      const status = await settled(boot, point);
      const now = runningVersion(status);
      if (![running, target].includes(now)) throw new Error(`after a cut at ${point} ${now} runs`);
      await stillThere(machine);
      say(`${point}: ${now} runs, everything is there`);
      running = now;
    }
    return times;
  } finally {
    await machine.remove();
    await rm(folder, { recursive: true, force: true });
  }
}
