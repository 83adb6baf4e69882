import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Machine } from '../../images/machine/machine.ts';
import type { Parts } from '../../images/parts.ts';
import { testFolder } from '../harness/folder.ts';
import { daemonUpdate, secondBuild, updatesDisk, variant } from '../harness/updates.ts';
import {
  type BadUpgrade,
  badUpgrades,
  containersOf,
  deploy,
  runningVersion,
  statusOf,
  stillThere,
  untilOutcome,
  upgrade,
  upgradeFrom,
} from '../harness/upgrades.ts';
import { type Kubectl, testImage, testMachine, untilReady } from '../harness/vm.ts';

// One machine goes through all of these in order: a boot is dear, so it belongs to `npm run robustness -- --only bad-upgrades`.
const skip =
  process.env.KNARR_ALL_UPGRADES === undefined
    ? 'npm run robustness -- --only bad-upgrades does it: it takes ten boots'
    : false;
let machine: Machine;
let first: string;
let parts: Parts;
let folder: string;
let kubectl: Kubectl;

before(async () => {
  if (skip !== false) return;
  const image = await testImage();
  first = image.version;
  parts = await secondBuild();
  folder = await testFolder('updates');
  const folders: Record<string, string> = {
    good: parts.update,
    daemon: await daemonUpdate(parts, '1.36.3-second'),
    'bad-daemon': await daemonUpdate(parts, '1.36.3-bad', 'process.exit(1)'),
  };
  for (const { name, words } of badUpgrades) folders[name] = (await variant(parts, name, words)).folder;
  const media = [await updatesDisk(folders, folder)];
  machine = await testMachine({ name: 'upgrade', image, firmware: true, media, config: { hostname: 'upgraded' } });
});

after(async () => {
  if (process.env.KNARR_KEEP !== undefined) return;
  await machine?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

test('a machine with something to lose', { skip }, async () => {
  await machine.start();
  kubectl = await untilReady(machine);
  await deploy(kubectl);
});

test('an upgrade that is good is kept though the power is cut before its end, and everything is there', {
  skip,
}, async () => {
  const { version } = parts.inputs;
  // the power is cut when the boot loader has just come to know the new version: no other restart is needed
  await upgrade(machine, 'good', '--tries 1 --deadline 15m', 'KNARR_FAULT=entry/placed').catch(() => {});
  const status = await untilOutcome(machine, version);
  assert.equal(status.last?.result, 'kept');
  assert.deepStrictEqual(
    status.slots.map((slot) => [slot.version, slot.state, slot.running, slot.next]),
    [
      [first, 'kept', false, false],
      [version, 'kept', true, true],
    ],
  );
  kubectl = await stillThere(machine);
  assert.equal(
    await kubectl.run('get', 'node', 'upgraded', '-o', 'jsonpath={.metadata.labels.k3os\\.io/version}'),
    version,
  );
  assert.match(await kubectl.run('get', 'events', '--field-selector', 'involvedObject.kind=Node'), /UpgradeKept/);
});

async function comesBack({ name, reason, deadline = '15m' }: BadUpgrade): Promise<void> {
  await upgradeFrom(machine, name, `--tries 1 --deadline ${deadline}`);
  const status = await untilOutcome(machine, `${parts.inputs.version}-${name}`);
  assert.equal(status.last?.result, 'returned');
  assert.match(status.last?.reasons.join('; ') ?? '', reason);
  assert.equal(runningVersion(status), parts.inputs.version);
  await stillThere(machine);
}

for (const one of badUpgrades)
  test(`from an upgrade that is bad (${one.name}) it comes back by itself`, { skip }, () => comesBack(one));

const daemonAlone =
  'the daemon alone is upgraded with no pod touched; one that does not start is replaced by the old one';
test(daemonAlone, { skip }, async () => {
  const before = await containersOf(kubectl);
  await upgrade(machine, 'daemon', '--daemon --deadline 10m');
  assert.equal((await statusOf(machine)).last?.result, 'kept');
  const { stdout } = await machine.ssh('sudo readlink /var/lib/knarr/daemon/current; pgrep -af "mjs server"');
  assert.match(stdout, /^1\.36\.3-second\n.*\/var\/lib\/knarr\/daemon\/current\/knarr\.mjs server/);
  await assert.rejects(upgrade(machine, 'bad-daemon', '--daemon --deadline 10m'), /1\.36\.3-bad was not kept/);
  const { last } = await statusOf(machine);
  assert.deepStrictEqual([last?.result, last?.from], ['returned', '1.36.3-second']);
  assert.match(last?.reasons.join() ?? '', /ended \d+ times/);
  await stillThere(machine);
  assert.deepStrictEqual(await containersOf(kubectl), before);
});
