import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { planLabel, plans } from '../../src/addons/plans/plan.ts';
import type { Pod } from '../../src/api/gen/core-v1.ts';
import { nodes, pods } from '../../src/api/gen/resources.ts';
import { delay } from '../../src/base/abort.ts';
import { eventually } from '../../src/base/eventually.ts';
import { judgeRequest, outcomeAnnotation, versionLabel } from '../../src/daemon/upgrade/node-upgrades.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { bootId, condition, namespace, openPlanCluster, type PlanCluster } from './plan-cluster.ts';

let cluster: PlanCluster;
before(async () => {
  cluster = await openPlanCluster();
});
afterEach(() => cluster.clear());
after(() => cluster?.close());

test('the server goes first, then the agents, one at a time; each is drained, labelled and schedulable again', async () => {
  for (const name of ['agent-1', 'agent-2']) await cluster.fakeNode(name);
  await cluster.fakeNode('server-1', { server: true });
  await cluster.fakeNode('kept-out', { labels: { [planLabel('os')]: 'disabled' } });
  const pod: Pod = {
    metadata: { name: 'lonely', namespace },
    spec: { nodeName: 'agent-1', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
  };
  await cluster.client.create(pods, pod);
  await cluster.plan('os', { drain: { force: true } });
  const done = await cluster.untilComplete('os', 'Complete');
  assert.equal(cluster.begun[0], 'server-1');
  assert.deepStrictEqual(cluster.begun.slice(1).sort(), ['agent-1', 'agent-2']);
  assert.equal(cluster.most, 1);
  const { latestVersion, latestHash = '', applying } = done.status ?? {};
  assert.deepStrictEqual([latestVersion, applying], ['2.0', []]);
  assert.equal(condition(done, 'Validated')?.status, 'True');
  assert.equal(condition(done, 'LatestResolved')?.reason, 'Version');
  for (const name of ['server-1', 'agent-1', 'agent-2']) {
    const { metadata, spec } = await cluster.client.get(nodes, name);
    assert.equal(metadata.labels?.[planLabel('os')], latestHash);
    assert.equal(spec?.unschedulable, undefined);
    assert.deepStrictEqual(Object.keys(metadata.annotations ?? {}), [outcomeAnnotation]);
  }
  await cluster.until('the label of the version', async () =>
    (await cluster.client.get(nodes, 'server-1')).metadata.labels?.[versionLabel] === '2.0' ? true : undefined,
  );
  assert.deepStrictEqual((await cluster.client.list(pods, { namespace })).items, []);
  await eventually('the events', async () => {
    assert.ok((await cluster.reasonsOf('os')).includes('Complete'));
    assert.ok((await cluster.reasonsOf('server-1')).includes('UpgradeKept'));
  });
});

test('a node that came back stops the plan until it changes; nodes that somebody cordoned stay so', async () => {
  for (const name of ['one', 'two']) await cluster.fakeNode(name);
  await cluster.client.patch(nodes, 'two', { type: 'merge', body: { spec: { unschedulable: true } } });
  await cluster.plan('os', { version: 'bad', cordon: true });
  const stuck = await cluster.untilComplete('os', 'ApplyFailed');
  assert.match(condition(stuck, 'Complete')?.message ?? '', /bad was not kept, 1\.0 runs again: api: no answer/);
  await delay(300);
  assert.equal(cluster.begun.length, 1);
  const [node = ''] = cluster.begun;
  assert.equal((await cluster.client.get(nodes, node)).spec?.unschedulable, node === 'two' ? true : undefined);
  assert.ok((await cluster.reasonsOf('os')).includes('ApplyFailed'));
  await cluster.client.patch(plans, 'os', { type: 'merge', body: { spec: { version: '2.0' } } }, { namespace });
  await cluster.untilComplete('os', 'Complete');
  assert.equal((await cluster.client.get(nodes, 'two')).spec?.unschedulable, true);
});

test('no more nodes than the plan says are under way', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await cluster.fakeNode(name, { labels: { pool: name === 'e' ? 'other' : 'blue' } });
  await cluster.plan('os', { concurrency: 2, nodeSelector: { matchLabels: { pool: 'blue' } } });
  await cluster.untilComplete('os', 'Complete');
  assert.deepStrictEqual(cluster.begun.sort(), ['a', 'b', 'c', 'd']);
  assert.equal(cluster.most, 2);
});

test('a drain that cannot be is told, and the node is schedulable again', async () => {
  await cluster.fakeNode('one');
  await cluster.client.create(pods, {
    metadata: { name: 'bare', namespace },
    spec: { nodeName: 'one', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
  });
  await cluster.plan('os', { drain: {} });
  const stuck = await cluster.untilComplete('os', 'ApplyFailed');
  assert.match(condition(stuck, 'Complete')?.message ?? '', /bare has no controller/);
  const { resourceVersion } = (await cluster.client.get(nodes, 'one')).metadata;
  await delay(300);
  assert.equal((await cluster.client.get(nodes, 'one')).metadata.resourceVersion, resourceVersion, 'and left alone');
  assert.equal((await cluster.client.get(nodes, 'one')).spec?.unschedulable, undefined);
  assert.deepStrictEqual(cluster.begun, []);
  const force = { spec: { drain: { force: true } } };
  await cluster.client.patch(plans, 'os', { type: 'merge', body: force }, { namespace });
  await cluster.untilComplete('os', 'Complete');
  assert.deepStrictEqual((await cluster.client.list(pods, { namespace })).items, []);
});

test('what is no plan is told; what is for the original controller is left alone', async () => {
  await cluster.fakeNode('one');
  await cluster.plan('wrong', { upgrade: { image: 'knarr/upgrade' } });
  await cluster.until('Validated', async () => {
    const found = condition(await cluster.client.get(plans, 'wrong', { namespace }), 'Validated');
    return found?.status === 'False' && /must name the update/.test(found.message ?? '') ? true : undefined;
  });
  await cluster.plan('other', { upgrade: { image: 'rancher/k3s-upgrade' } });
  await cluster.until('Unsupported', async () =>
    (await cluster.reasonsOf('other')).includes('Unsupported') ? true : undefined,
  );
  assert.equal((await cluster.client.get(plans, 'other', { namespace })).status, undefined);
  assert.deepStrictEqual(cluster.begun, []);
});

test('what a power cut or a kill ended before the new version could start is begun again', async () => {
  const folder = join(cluster.folder, 'judged');
  await mkdir(folder, { recursive: true });
  const state = upgradeState(folder);
  const asked = { plan: 'a/b', hash: 'h', kind: 'os', from: '', version: '2', at: 1 } as const;
  const judge = (machine = '1') => judgeRequest(asked, state, { machine, daemon: '1' });
  const [boot, pid] = [await bootId(), process.pid];
  const request = { plan: 'a/b', hash: 'h-1' };
  const progress = { at: 1, text: 'write', request, boot, pid };
  await state.write('progress', progress);
  assert.deepStrictEqual(await judge(), { state: 'working', text: 'write' });
  for (const ended of [{ boot: 'the one before' }, { pid: 2 ** 22 + 1 }]) {
    await state.write('progress', { ...progress, ...ended });
    assert.equal(await judge(), 'start');
  }
  await state.write('progress', { ...progress, failed: 'no network' });
  assert.deepStrictEqual(await judge(), { state: 'failed', text: 'no network' });
  assert.deepStrictEqual(await judge('2'), { state: 'done', text: '' });
  const outcome = { id: 'x', kind: 'upgrade', from: '1', to: '2', at: 1, datastoreRestored: false, request } as const;
  await state.remove('progress');
  await state.write('outcome', { ...outcome, result: 'interrupted', reasons: [] });
  assert.equal(await judge(), 'start');
  await state.write('outcome', { ...outcome, result: 'returned', reasons: ['api: no'] });
  assert.deepStrictEqual(await judge(), { state: 'failed', text: '2 was not kept, 1 runs again: api: no' });
});
