import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { until } from '../../images/machine/cluster.ts';
import { type Machine, type MachineOptions, openMachine } from '../../images/machine/machine.ts';
import { testIso } from '../harness/iso.ts';
import { type Kubectl, patienceMs, testImage, untilConsole, untilReady } from '../harness/vm.ts';

// One machine, whose disk is empty at first: the medium installs it, and from then on it starts from its disk.
let options: MachineOptions;
let machine: Machine;
let kubectl: Kubectl;

before(async () => {
  options = {
    name: `test-install-${randomBytes(3).toString('hex')}`,
    image: await testImage(),
    accelerator: await findAccelerator(),
    config: { k3os: { labels: { 'example.com/from': 'seed' } } },
    firmware: true,
    blank: true,
  };
  const cmdline =
    'k3os.mode=install k3os.install.silent k3os.install.device=/dev/vda k3os.install.power_off hostname=installed';
  machine = await openMachine({ ...options, media: [await testIso()], cmdline });
});

after(async () => {
  if (process.env.KNARR_KEEP === undefined) await machine?.remove();
});

test('the ISO installs itself on an empty disk without asking, and turns the machine off', async () => {
  await machine.start();
  await untilConsole(machine, /knarr install: Knarr \S+ is on \/dev\/vda/);
  await until('the machine to be off', patienceMs, async () => ((await machine.running()) ? undefined : true));
});

test('the disk starts alone, with the configuration that the installer had, and its node becomes Ready', async () => {
  machine = await openMachine({ ...options, seedless: true });
  await machine.start();
  kubectl = await untilReady(machine);
  assert.match(await kubectl.run('get', 'nodes'), /installed\s+Ready/);
  const label = (name: string): Promise<string> =>
    kubectl.run('get', 'node', 'installed', '-o', `jsonpath={.metadata.labels.${name.replaceAll('.', '\\.')}}`);
  assert.deepStrictEqual([await label('example.com/from'), await label('k3os.io/mode')], ['seed', 'disk']);
});

test('the console shows how the machine does, and gives way to a log-in', async () => {
  await untilConsole(machine, /Node {8}Ready since/);
  assert.match(await machine.console(), /installed: press Enter to log in/);
});

test('after a factory reset it is a new machine with its configuration', async () => {
  const identity = async (): Promise<string> => (await machine.ssh('cat /etc/machine-id')).stdout.trim();
  const before = await identity();
  await kubectl.run('create', 'configmap', 'lost', '--from-literal=a=b');
  await machine.ssh('sudo knarr reset --keep-config --yes --no-reboot && sudo systemctl poweroff').catch(() => {});
  await until('the machine to be off', patienceMs, async () => ((await machine.running()) ? undefined : true));
  await machine.start();
  kubectl = await untilReady(machine);
  assert.notEqual(await identity(), before);
  assert.equal(await kubectl.run('get', 'configmap', 'lost', '--ignore-not-found'), '');
  assert.match(await kubectl.run('get', 'nodes'), /installed\s+Ready/);
});
