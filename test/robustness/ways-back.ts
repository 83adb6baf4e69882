import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../images/machine/cluster.ts';
import type { Plan } from '../../src/addons/plans/plan.ts';
import type { Event, Node } from '../../src/api/gen/core-v1.ts';
import { testFolder } from '../harness/folder.ts';
import { mountUpdates, secondBuild, updatesDisk, variant } from '../harness/updates.ts';
import { deploy, remember, runningVersion, stillThere, untilTried, upgradeAndReboot } from '../harness/upgrades.ts';
import { type Kubectl, patienceMs, testImage, testMachine, untilReady } from '../harness/vm.ts';

const hostname = 'planned';
const podName = (kubectl: Kubectl): Promise<string> => kubectl.run('get', 'pods', '-l', 'app=web', '-o', 'name');
const read = async <T>(kubectl: Kubectl, ...what: string[]): Promise<T> =>
  JSON.parse(await kubectl.run('get', ...what, '-o', 'json')) as T;

/**
 * A real node is upgraded by a Plan of its cluster, goes back when it is told to, and goes back over a change of the
 * datastore's form only when it is told so in as many words.
 */
export async function planAndGoBack(say: (text: string) => void): Promise<void> {
  const image = await testImage();
  const parts = await secondBuild();
  const folder = await testFolder('ways-back');
  const migrated = await variant(parts, { name: 'migrated', words: '', migrates: true });
  const media = [await updatesDisk({ good: parts.update, migrated: migrated.folder }, folder)];
  const machine = await testMachine({ name: 'ways-back', image, firmware: true, media, config: { hostname } });
  const rollback = (options: string) =>
    untilTried(machine, image.version, () => machine.ssh(`sudo knarr rollback --deadline 30m ${options}`, patienceMs));
  try {
    await machine.start();
    let kubectl = await untilReady(machine);
    await deploy(machine, kubectl);
    await remember(kubectl, 'before-the-plan');
    const before = await podName(kubectl);

    await machine.ssh(mountUpdates);
    await carryOut(machine.folder, kubectl, parts.inputs.version);
    kubectl = await stillThere(machine, ['before-the-plan']);
    assert.notEqual(await podName(kubectl), before);
    say('a plan drained the node, upgraded it, labelled it and let pods on it again');

    const back = await rollback('--reboot');
    assert.partialDeepStrictEqual(back.last, { kind: 'rollback', result: 'kept', datastoreRestored: false });
    assert.equal(runningVersion(back), image.version);
    kubectl = await stillThere(machine, ['before-the-plan']);
    say('it went back to the version before, with everything that was written since');

    const forth = await upgradeAndReboot(machine, 'migrated', migrated.version, '--deadline 30m');
    assert.partialDeepStrictEqual(forth.last, { result: 'kept', to: migrated.version });
    kubectl = await stillThere(machine, ['before-the-plan']);
    await remember(kubectl, 'since');
    await assert.rejects(machine.ssh('sudo knarr rollback'), /cannot read the datastore any more/);
    const restored = await rollback('--reboot --restore-datastore');
    assert.partialDeepStrictEqual(restored.last, { kind: 'rollback', result: 'kept', datastoreRestored: true });
    assert.equal(runningVersion(restored), image.version);
    await stillThere(machine, ['before-the-plan']);
    say('over a new form of the datastore it went back when it was told to lose what was written since');
  } finally {
    if (process.env.KNARR_KEEP === undefined) await machine.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Applies a plan for the machine's only node, and waits until it says that it is complete. */
async function carryOut(folder: string, kubectl: Kubectl, version: string): Promise<void> {
  const file = join(folder, 'plan.json');
  const plan: Plan & { apiVersion: string; kind: string } = {
    apiVersion: 'upgrade.cattle.io/v1',
    kind: 'Plan',
    metadata: { name: 'machines', namespace: 'default' },
    spec: {
      concurrency: 1,
      version,
      drain: { force: true },
      upgrade: { image: 'knarr/upgrade', args: ['/run/updates/good', '--deadline', '30m'] },
    },
  };
  await writeFile(file, JSON.stringify(plan));
  await kubectl.run('apply', '-f', file);
  let cordoned = false;
  const complete = await until(
    'the plan to be complete',
    4 * patienceMs,
    async () => {
      cordoned ||= (await read<Node>(kubectl, 'node', hostname)).spec?.unschedulable === true;
      const { status } = await read<Plan>(kubectl, 'plan', 'machines');
      const condition = status?.conditions?.find(({ type }) => type === 'Complete');
      if (condition?.reason === 'ApplyFailed') return condition;
      return condition?.status === 'True' ? condition : undefined;
    },
    { everyMs: 2_000 },
  );
  assert.partialDeepStrictEqual(complete, { status: 'True', reason: 'Complete' });
  assert.ok(cordoned, 'the node was never cordoned');
  const { status } = await read<Plan>(kubectl, 'plan', 'machines');
  const { metadata, spec } = await read<Node>(kubectl, 'node', hostname);
  assert.equal(status?.latestVersion, version);
  assert.equal(metadata.labels?.['plan.upgrade.cattle.io/machines'], status?.latestHash);
  assert.equal(metadata.labels?.['k3os.io/version'], version);
  assert.equal(spec?.unschedulable, undefined);
  const events = await read<{ items: Event[] }>(kubectl, 'events');
  const told = new Set(events.items.map(({ reason }) => reason));
  for (const reason of ['Resolved', 'Applying', 'NodeComplete', 'Complete', 'UpgradeKept'])
    assert.ok(told.has(reason), `no event ${reason} among ${[...told].join(', ')}`);
}
