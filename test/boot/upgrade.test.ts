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
  brokenUpgrade,
  containersOf,
  deploy,
  gateSeconds,
  remember,
  runningVersion,
  statusOf,
  stillThere,
  upgrade,
  upgradeAndCut,
  upgradeAndReboot,
} from '../harness/upgrades.ts';
import { type Kubectl, patienceMs, testImage, testMachine, untilReady } from '../harness/vm.ts';

// One machine goes through all of these in order, for a boot is dear: KNARR_UPGRADES=some is meant for every run of the
// tests, `all` is what `npm run robustness -- --only bad-upgrades` does.
const { KNARR_UPGRADES: wanted } = process.env;
const skip = wanted === undefined ? 'npm run robustness -- --only bad-upgrades does it: it takes nine boots' : false;
const skipRest = wanted === 'all' ? false : 'npm run robustness -- --only bad-upgrades does it, too';
const ways = wanted === 'all' ? [...badUpgrades, brokenUpgrade] : badUpgrades;
const remembered: string[] = [];
let machine: Machine;
let first: string;
let parts: Parts;
let folder: string;
let kubectl: Kubectl;
/** How long the health gate needed for a version that is well, on this machine. */
let seconds: number;

before(async () => {
  if (skip !== false) return;
  const image = await testImage();
  first = image.version;
  parts = await secondBuild();
  folder = await testFolder('updates');
  const folders: Record<string, string> = { good: parts.update };
  for (const way of ways) folders[way.name] = (await variant(parts, way)).folder;
  if (wanted === 'all') {
    folders.daemon = await daemonUpdate(parts, '1.36.3-second');
    folders['bad-daemon'] = await daemonUpdate(parts, '1.36.3-bad', 'process.exit(1)');
  }
  const media = [await updatesDisk(folders, folder)];
  machine = await testMachine({ name: 'upgrade', image, firmware: true, media, config: { hostname: 'upgraded' } });
});

after(async () => {
  if (process.env.KNARR_KEEP !== undefined) return;
  await machine?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

let broken = false;

/** One of these tests: where one has failed, the machine is not what the next ones need. */
function step(name: string, work: () => Promise<void>, options: { skip?: string | false } = {}): void {
  test(name, { skip, ...options }, async () => {
    assert.ok(!broken, 'an earlier test has failed');
    broken = true;
    try {
      await work();
    } catch (error) {
      process.stderr.write(`the machine's console: ${(await machine.console()).slice(-3000)}\n`);
      throw error;
    }
    broken = false;
  });
}

async function write(name: string): Promise<void> {
  await remember(kubectl, name);
  remembered.push(name);
}

step('the disk boots by firmware, systemd-boot and the unified kernel image, and its node becomes Ready', async () => {
  await machine.start();
  kubectl = await untilReady(machine);
  const { stdout } = await machine.ssh('cat /proc/cmdline; ls /sys/firmware/efi | head -1');
  assert.match(stdout, /root=PARTLABEL=knarr_/);
  await deploy(machine, kubectl);
  await write('before-all');
});

step('an upgrade that is good is kept though the power is cut before its end, and everything is there', async () => {
  const { version } = parts.inputs;
  const status = await upgradeAndCut(machine, 'good', version, '--tries 1 --deadline 20m');
  assert.partialDeepStrictEqual(status.last, { result: 'kept', to: version });
  assert.deepStrictEqual(
    status.slots.map((slot) => [slot.version, slot.state, slot.running, slot.next]),
    [
      [first, 'kept', false, false],
      [version, 'kept', true, true],
    ],
  );
  seconds = Math.ceil(await gateSeconds(machine));
  kubectl = await stillThere(machine, remembered);
  assert.equal(
    await kubectl.run('get', 'node', 'upgraded', '-o', 'jsonpath={.metadata.labels.k3os\\.io/version}'),
    version,
  );
  assert.match(await kubectl.run('get', 'events', '--field-selector', 'involvedObject.kind=Node'), /UpgradeKept/);
});

async function comesBack(way: BadUpgrade): Promise<void> {
  const { name, reason, waits, reboot, migrates = false } = way;
  const version = `${parts.inputs.version}-${name}`;
  await write(`before-${name}`);
  const options = `--tries 1 --deadline ${waits === undefined ? 1200 : Math.ceil(waits * seconds) + 15}s`;
  const status = await (reboot ? upgradeAndReboot : upgradeAndCut)(machine, name, version, options);
  const { last } = status;
  assert.partialDeepStrictEqual(last, { result: 'returned', to: version });
  assert.match(last?.reasons.join('; ') ?? '', reason);
  assert.equal(last?.datastoreRestored, migrates);
  assert.equal(runningVersion(status), parts.inputs.version);
  // where nothing was restored and the next one comes, nobody waits for its node
  await stillThere(machine, remembered, migrates || way === ways.at(-1) ? 'workload' : 'data');
}

for (const way of ways) step(`from an upgrade that is bad (${way.name}) it comes back by itself`, () => comesBack(way));

const daemonAlone =
  'the daemon alone is upgraded with no pod touched; one that does not start is replaced by the old one';
step(
  daemonAlone,
  async () => {
    const before = await containersOf(kubectl);
    await upgrade(machine, 'daemon', '--daemon --deadline 20m');
    assert.equal((await statusOf(machine)).last?.result, 'kept');
    const { stdout } = await machine.ssh('sudo readlink /var/lib/knarr/daemon/current; pgrep -af "mjs server"');
    assert.match(stdout, /^1\.36\.3-second\n.*\/var\/lib\/knarr\/daemon\/current\/knarr\.mjs server/);
    await assert.rejects(upgrade(machine, 'bad-daemon', '--daemon --deadline 20m'), /1\.36\.3-bad was not kept/);
    const { last } = await statusOf(machine);
    assert.deepStrictEqual([last?.result, last?.from], ['returned', '1.36.3-second']);
    assert.match(last?.reasons.join() ?? '', /ended \d+ times/);
    await stillThere(machine, remembered);
    assert.deepStrictEqual(await containersOf(kubectl), before);
  },
  { skip: skip || skipRest },
);

step('it shuts down when asked', async () => {
  await machine.stop(patienceMs);
  assert.equal(await machine.running(), false);
  assert.match(await machine.console(), /Power down|Powering off|reboot: Power/i);
});
