import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { until } from '../../images/machine/cluster.ts';
import { type Machine, type MachineOptions, openMachine } from '../../images/machine/machine.ts';
import type { Parts } from '../../images/parts.ts';
import type { MachineStatus } from '../../os/update/status.ts';
import { trialSeconds } from '../../src/addons/plans/request.ts';
import { testFolder } from '../harness/folder.ts';
import { testIso } from '../harness/iso.ts';
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
import { type Kubectl, patienceMs, testImage, untilConsole, untilReady } from '../harness/vm.ts';

// One machine's life from an empty disk to a factory reset, in order, for a boot is dear. `KNARR_UPGRADES=all` is what
// `npm run robustness -- --only bad-upgrades` does.
const all = process.env.KNARR_UPGRADES === 'all';
const skipRest = all ? false : 'npm run robustness -- --only bad-upgrades does it, too';
const ways = all ? [...badUpgrades, brokenUpgrade] : badUpgrades;
const hostname = 'installed';
const remembered: string[] = [];
let options: MachineOptions;
let machine: Machine;
let first: string;
let parts: Parts;
let folder: string;
let kubectl: Kubectl;
/** How long the health gate needed for a version that is well, on this machine. */
let seconds: number;

before(async () => {
  const image = await testImage();
  first = image.version;
  parts = await secondBuild();
  folder = await testFolder('updates');
  const folders: Record<string, string> = { good: parts.update };
  for (const way of ways) folders[way.name] = (await variant(parts, way)).folder;
  if (all) {
    folders.daemon = await daemonUpdate(parts, '1.36.3-second');
    folders['bad-daemon'] = await daemonUpdate(parts, '1.36.3-bad', 'process.exit(1)');
  }
  options = {
    name: `test-life-${randomBytes(3).toString('hex')}`,
    image,
    accelerator: await findAccelerator(),
    config: { k3os: { labels: { 'example.com/from': 'seed' } } },
    firmware: true,
    blank: true,
    media: [await updatesDisk(folders, folder)],
  };
});

after(async () => {
  if (process.env.KNARR_KEEP !== undefined) return;
  await machine?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

let broken = false;

/** One of these tests: where one has failed, the machine is not what the next ones need. */
function step(name: string, work: () => Promise<void>, skip: string | false = false): void {
  test(name, { skip }, async () => {
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

const off = (): Promise<true> =>
  until('the machine to be off', patienceMs, async () => ((await machine.running()) ? undefined : true));

const nodeLabel = (name: string): Promise<string> =>
  kubectl.run('get', 'node', hostname, '-o', `jsonpath={.metadata.labels.${name.replaceAll('.', '\\.')}}`);

async function write(name: string): Promise<void> {
  await remember(kubectl, name);
  remembered.push(name);
}

step('the ISO installs itself on an empty disk without asking, and turns the machine off', async () => {
  const cmdline = `k3os.mode=install k3os.install.silent k3os.install.device=/dev/vda k3os.install.power_off hostname=${hostname}`;
  machine = await openMachine({ ...options, media: [await testIso()], cmdline });
  await machine.start();
  await untilConsole(machine, /knarr install: Knarr \S+ is on \/dev\/vda/);
  await off();
});

step(
  'the disk starts by firmware and boot loader, configured as its installer was, and its node is Ready',
  async () => {
    machine = await openMachine({ ...options, seedless: true });
    await machine.start();
    kubectl = await untilReady(machine);
    const { stdout } = await machine.ssh('cat /proc/cmdline; ls /sys/firmware/efi | head -1');
    assert.match(stdout, /root=PARTLABEL=knarr_/);
    assert.deepStrictEqual([await nodeLabel('example.com/from'), await nodeLabel('k3os.io/mode')], ['seed', 'disk']);
    await deploy(machine, kubectl);
    await write('before-all');
  },
);

step('the console shows how the machine does, and gives way to a log-in', async () => {
  await untilConsole(machine, /Node {8}Ready since/);
  assert.match(await machine.console(), new RegExp(`${hostname}: press Enter to log in`));
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
  assert.equal(await nodeLabel('k3os.io/version'), version);
  assert.match(await kubectl.run('get', 'events', '--field-selector', 'involvedObject.kind=Node'), /UpgradeKept/);
});

/**
 * Tries a bad version. Where something never comes, a good version's time is waited for it; should the machine be so much
 * slower meanwhile that what is good has not come either, it is given more.
 */
async function tryBad({ name, reason, waits, reboot }: BadUpgrade, version: string): Promise<MachineStatus> {
  const start = reboot ? upgradeAndReboot : upgradeAndCut;
  if (waits === undefined) return start(machine, name, version, '--tries 1 --deadline 20m');
  for (const times of [waits, 3 * waits, 9 * waits]) {
    const deadline = Math.min(trialSeconds.most, Math.ceil(times * seconds) + 15);
    const status = await start(machine, name, version, `--tries 1 --deadline ${deadline}s`);
    if (reason.test(reasonsOf(status))) return status;
  }
  return statusOf(machine);
}

const reasonsOf = ({ last }: MachineStatus): string => last?.reasons.join('; ') ?? '';

async function comesBack(way: BadUpgrade): Promise<void> {
  const { name, reason, migrates = false } = way;
  const version = `${parts.inputs.version}-${name}`;
  await write(`before-${name}`);
  const status = await tryBad(way, version);
  assert.partialDeepStrictEqual(status.last, { result: 'returned', to: version, datastoreRestored: migrates });
  assert.match(reasonsOf(status), reason);
  assert.equal(runningVersion(status), parts.inputs.version);
  // where nothing was restored and the next one comes, nobody waits for its node
  const last = ways.indexOf(way) >= badUpgrades.length - 1;
  await stillThere(machine, remembered, migrates || last ? 'workload' : 'data');
}

const comesBackFrom = (way: BadUpgrade, skip?: string | false): void =>
  step(`from an upgrade that is bad (${way.name}) it comes back by itself`, () => comesBack(way), skip);

for (const way of badUpgrades) comesBackFrom(way);

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
  skipRest,
);

comesBackFrom(brokenUpgrade, skipRest);

step('after a factory reset it is a new machine with its configuration', async () => {
  const identity = async (): Promise<string> => (await machine.ssh('cat /etc/machine-id')).stdout.trim();
  const before = await identity();
  await machine.ssh('sudo knarr reset --keep-config --yes --no-reboot && sudo systemctl poweroff').catch(() => {});
  await off();
  await machine.start();
  kubectl = await untilReady(machine);
  assert.notEqual(await identity(), before);
  assert.equal(await kubectl.run('get', 'configmap', 'before-all', '--ignore-not-found'), '');
  assert.match(await kubectl.run('get', 'nodes'), /installed\s+Ready/);
});

step('it shuts down when asked', async () => {
  await machine.stop(patienceMs);
  assert.equal(await machine.running(), false);
  assert.match(await machine.console(), /Power down|Powering off|reboot: Power/i);
});
