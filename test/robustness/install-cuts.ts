import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { until } from '../../images/machine/cluster.ts';
import { type Machine, openMachine } from '../../images/machine/machine.ts';
import { direct } from '../../images/tools/chroot.ts';
import { readPartitions } from '../../os/disk/gpt.ts';
import { slotLabel } from '../../os/disk/machine-disk.ts';
import { installPhases } from '../../os/install/phases.ts';
import { fileOf, type UpdateManifest, verifyFile } from '../../os/update/manifest.ts';
import { run } from '../../src/base/run.ts';
import { testIsoParts } from '../harness/iso.ts';
import { patienceMs, testImage, untilConsole, untilReady } from '../harness/vm.ts';
import { createTally, type Tally } from './tally.ts';

type State = 'nothing' | 'whole';

/** What the machine's disk holds: all of an installation, which is checked by its digest, or no partitions at all. */
async function stateOf(machine: Machine, manifest: UpdateManifest): Promise<State> {
  const raw = join(machine.folder, 'looked-at.raw');
  const tool = direct('usr/bin/qemu-img');
  await run(tool.program, [...tool.args, 'convert', '-O', 'raw', join(machine.folder, 'disk.qcow2'), raw], {
    timeoutMs: patienceMs,
  });
  try {
    const table = await readPartitions(raw).catch(() => undefined);
    if (table === undefined) return 'nothing';
    const slot = table.partitions.find(({ label }) => label === slotLabel(manifest.version));
    assert.ok(slot, `a table of partitions without the slot: ${JSON.stringify(table.partitions)}`);
    await verifyFile(raw, fileOf(manifest, 'root'), slot.start);
    return 'whole';
  } finally {
    await rm(raw);
  }
}

/** Starts the installer as a unit of its own, so that what it says is on the console and nobody's leaving ends it. */
const startInstaller = (machine: Machine, fault: string): Promise<unknown> =>
  until(
    'the installer',
    patienceMs,
    async () => {
      await machine.ssh(
        `sudo systemd-run --quiet --collect --unit=cut --property=StandardError=journal+console --setenv=KNARR_FAULT=${fault} knarr install --silent --force --force-efi --device /dev/vda`,
      );
      return true;
    },
    { machine },
  );

/** Every point at which the power is cut, and what the disk holds then. */
const points: readonly { point: string; holds: State }[] = installPhases.flatMap(({ name }, index) => {
  const write = installPhases.findIndex((phase) => phase.name === 'write');
  return (['begin', 'end'] as const).map((moment) => ({
    point: `install.${name}.${moment}`,
    holds: index < write || (index === write && moment === 'begin') ? ('nothing' as const) : ('whole' as const),
  }));
});

/** Cuts at any moment of the writing, in each round. */
const randomCuts = 4;

/**
 * Cuts the power, in each round, at the beginning and at the end of every phase of an installation (or of those that
 * `only` matches: `install.write.end`) and at some moments of the writing. The disk must hold nothing or all each time,
 * and an installation after all of that must become a node.
 */
export async function cutInstallations(rounds: number, say: (text: string) => void, only = /./): Promise<Tally> {
  const { iso, manifest } = await testIsoParts();
  const options = {
    name: `robust-install-${randomBytes(3).toString('hex')}`,
    image: await testImage(),
    accelerator: await findAccelerator(),
    config: { hostname: 'robust' },
    firmware: true,
    blank: true,
  };
  const machine = await openMachine({ ...options, media: [iso], cmdline: 'k3os.mode=install' });
  const begin = async (): Promise<void> => {
    await machine.start();
    await untilConsole(machine, /press Enter to install Knarr/);
  };
  const tally = createTally();
  const lookAfterCut = async (point: string, may: readonly State[], when = ''): Promise<void> => {
    await machine.powerCut();
    const state = await stateOf(machine, manifest);
    assert.ok(may.includes(state), `${point}${when}: the disk holds ${state}`);
    say(`cut at ${point}${when}: the disk holds ${state}`);
    tally.count(point, state);
    // what would start by itself now is not what the next cut is about
    if (state === 'whole') await rm(join(machine.folder, 'disk.qcow2'));
  };
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { point, holds } of points.filter((one) => only.test(one.point))) {
        await begin();
        await startInstaller(machine, point);
        // the kernel's own word: what the installer said last may be lost with the machine
        await untilConsole(machine, /sysrq: Resetting/);
        await lookAfterCut(point, [holds]);
      }
      for (let cut = 0; cut < (only.test('install.write') ? randomCuts : 0); cut++) {
        await begin();
        await startInstaller(machine, '');
        await untilConsole(machine, /\[\d\/\d\] writing/);
        const ms = randomInt(15_000);
        await sleep(ms);
        await lookAfterCut('install.write', ['nothing', 'whole'], `, ${ms} ms after its beginning`);
      }
    }
    await begin();
    await startInstaller(machine, '');
    await untilConsole(machine, /restarting|Knarr \S+ is on/);
    await machine.stop();
    await openMachine({ ...options, seedless: true }).then(async (installed) => {
      await installed.start();
      await untilReady(installed);
    });
    return tally;
  } finally {
    await machine.remove();
  }
}

if (import.meta.main) {
  const [rounds = '1', only = '.'] = process.argv.slice(2);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  process.stdout.write((await cutInstallations(Number(rounds), say, new RegExp(only))).text());
}
