import { rm } from 'node:fs/promises';
import { until } from '../../images/machine/cluster.ts';
import { faultPoints } from '../../os/update/phases.ts';
import type { MachineStatus } from '../../os/update/status.ts';
import { testFolder } from '../harness/folder.ts';
import { secondBuild, updatesDisk } from '../harness/updates.ts';
import {
  deploy,
  remember,
  runningVersion,
  statusOf,
  stillThere,
  untilAfterwards,
  upgrade,
} from '../harness/upgrades.ts';
import { patienceMs, testImage, testMachine, untilReady } from '../harness/vm.ts';
import { createTally, type Tally } from './tally.ts';

/**
 * Cuts a machine's power, in each round, at every point of an upgrade (or at those that are given) in turn, as if its plug
 * were pulled (nothing that was not written out survives). It must come back with one of both versions and be able to go
 * on; with all that ran on it, which is looked at whenever the version has changed, and in the end. Throws with the point
 * at which something was lost.
 */
export async function cutUpgrades(
  rounds: number,
  say: (text: string) => void,
  points: readonly string[] = faultPoints,
): Promise<Tally> {
  const image = await testImage();
  const second = await secondBuild();
  const folder = await testFolder('upgrade-cuts');
  const updates = { [image.version]: image.update, [second.inputs.version]: second.update };
  const media = [await updatesDisk(updates, folder)];
  const machine = await testMachine({ name: 'upgrade-cuts', image, firmware: true, media });
  /** Whatever upgrade was under way is over. */
  const settled = (point: string): Promise<MachineStatus> =>
    until(
      `the machine after a cut at ${point}`,
      3 * patienceMs,
      async () => {
        const status = await statusOf(machine);
        return status.pending === undefined ? status : undefined;
      },
      // each question costs what the trial waits for
      { machine, everyMs: 15_000 },
    );
  try {
    await machine.start();
    const kubectl = await untilReady(machine);
    await deploy(machine, kubectl);
    await remember(kubectl, 'before-the-first');
    const whole = (): Promise<unknown> => stillThere(machine, ['before-the-first']);
    const tally = createTally();
    let running = image.version;
    for (const point of Array.from({ length: rounds }, () => points).flat()) {
      const target = running === image.version ? second.inputs.version : image.version;
      const cut = (): Promise<void> => upgrade(machine, target, '--deadline 20m', `KNARR_FAULT=${point}`);
      await untilAfterwards(machine, cut, /BdsDxe: starting.*press Enter to log in/s);
      const status = await settled(point);
      const now = runningVersion(status);
      if (![running, target].includes(now)) throw new Error(`after a cut at ${point} ${now} runs`);
      if (now !== running) await whole();
      say(`${point}: ${now} runs${now === running ? '' : ', everything is there'}`);
      tally.count(point, now === running ? 'the version before runs' : 'the new version runs');
      running = now;
    }
    await whole();
    return tally;
  } finally {
    await machine.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [points, rounds = '1'] = process.argv.slice(2);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  process.stdout.write((await cutUpgrades(Number(rounds), say, points?.split(','))).text());
}
