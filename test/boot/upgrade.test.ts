import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Machine } from '../../images/machine/machine.ts';
import type { Parts } from '../../images/parts.ts';
import { secondBuild, serveFolders, variant } from '../harness/updates.ts';
import {
  type BadUpgrade,
  badUpgrades,
  deploy,
  runningVersion,
  stillThere,
  untilOutcome,
  upgradeFrom,
} from '../harness/upgrades.ts';
import { testImage, testMachine, untilReady } from '../harness/vm.ts';

// One machine goes through all of these in order: a boot is dear. KNARR_ALL_UPGRADES=1 goes through every bad upgrade.
const bad = process.env.KNARR_ALL_UPGRADES === undefined ? badUpgrades.slice(0, 1) : badUpgrades;
let machine: Machine;
let first: string;
let parts: Parts;
let updates: Awaited<ReturnType<typeof serveFolders>>;
const folders: Record<string, string> = {};

before(async () => {
  const image = await testImage();
  first = image.version;
  parts = await secondBuild();
  folders.good = parts.update;
  updates = await serveFolders(folders);
  machine = await testMachine({ name: 'upgrade', image, firmware: true, config: { hostname: 'upgraded' } });
});

after(async () => {
  await updates?.close();
  if (process.env.KNARR_KEEP === undefined) await machine?.remove();
});

test('a machine with something to lose', async () => {
  await machine.start();
  await deploy(await untilReady(machine));
});

async function comesBack({ name, words, reason }: BadUpgrade): Promise<void> {
  const { version, folder } = await variant(parts, name, words);
  folders[name] = folder;
  await upgradeFrom(machine, `${updates.base}/${name}`);
  const status = await untilOutcome(machine, version);
  assert.equal(status.last?.result, 'returned');
  assert.match(status.last?.reasons.join('; ') ?? '', reason);
  assert.equal(runningVersion(status), first);
  await stillThere(machine);
}

for (const one of bad) test(`from an upgrade that is bad (${one.name}) it comes back by itself`, () => comesBack(one));

test('an upgrade that is good is kept, and everything is there', async () => {
  const { version } = parts.inputs;
  await upgradeFrom(machine, `${updates.base}/good`);
  const status = await untilOutcome(machine, version);
  assert.equal(status.last?.result, 'kept');
  assert.deepStrictEqual(
    status.slots.map((slot) => [slot.version, slot.state, slot.running, slot.next]),
    [
      [first, 'kept', false, false],
      [version, 'kept', true, true],
    ],
  );
  const kubectl = await stillThere(machine);
  assert.equal(
    await kubectl.run('get', 'node', 'upgraded', '-o', 'jsonpath={.metadata.labels.k3os\\.io/version}'),
    version,
  );
});
