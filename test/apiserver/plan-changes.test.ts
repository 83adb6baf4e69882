import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { plans } from '../../src/addons/plans/plan.ts';
import type { Node } from '../../src/api/gen/core-v1.ts';
import { nodes, poddisruptionbudgets, pods } from '../../src/api/gen/resources.ts';
import { outcomeAnnotation } from '../../src/daemon/upgrade/node-upgrades.ts';
import { condition, namespace, openPlanCluster, type PlanCluster } from './plan-cluster.ts';

let cluster: PlanCluster;
before(async () => {
  cluster = await openPlanCluster();
});
afterEach(() => cluster.clear());
after(() => cluster?.close());

const node = (name: string): Promise<Node> => cluster.client.get(nodes, name);
const remove = (name: string): Promise<unknown> => cluster.client.delete(plans, name, { namespace });
const begun = (count: number) =>
  cluster.until(`${count} begun`, async () => (cluster.begun.length === count ? true : undefined));
/** As a node is that no plan has to do with. */
const untilFree = (name: string): Promise<unknown> =>
  cluster.until(`${name} as it was`, async () => {
    const { metadata, spec } = await node(name);
    const left = Object.keys(metadata.annotations ?? {}).filter((key) => key !== outcomeAnnotation);
    return spec?.unschedulable === undefined && left.length === 0 ? true : undefined;
  });

test('a node whose plan is deleted ends what it was asked, and is schedulable again; the next plan takes it', async () => {
  const held = Promise.withResolvers<void>();
  await cluster.fakeNode('one', { held: held.promise });
  await cluster.plan('os', { cordon: true });
  await begun(1);
  await remove('os');
  await cluster.plan('other', { version: '3.0' });
  await cluster.until('the wait for the first plan', async () =>
    /waits for the plan default\/os/.test(
      condition(await cluster.client.get(plans, 'other', { namespace }), 'Complete')?.message ?? '',
    )
      ? true
      : undefined,
  );
  assert.equal((await node('one')).spec?.unschedulable, true);
  held.resolve();
  await cluster.untilComplete('other', 'Complete');
  await untilFree('one');
});

test('a drain that a budget holds up says so, and ends with its plan', async () => {
  await cluster.fakeNode('one');
  const labels = { app: 'web' };
  await cluster.client.create(pods, {
    metadata: { name: 'web', namespace, labels },
    spec: { nodeName: 'one', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
  });
  const running = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' as const }] };
  await cluster.client.patch(
    pods,
    'web',
    { type: 'merge', body: { status: running } },
    { namespace, subresource: 'status' },
  );
  await cluster.client.create(poddisruptionbudgets, {
    metadata: { name: 'web', namespace },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  });
  await cluster.plan('os', { drain: { force: true } });
  await cluster.until('what the drain waits for', async () =>
    /one: draining: default\/web: .*disruption budget/.test(
      condition(await cluster.client.get(plans, 'os', { namespace }), 'Complete')?.message ?? '',
    )
      ? true
      : undefined,
  );
  await remove('os');
  await untilFree('one');
  await cluster.client.delete(poddisruptionbudgets, 'web', { namespace });
  await cluster.plan('other', { drain: { force: true, podSelector: { matchLabels: { app: 'none' } } } });
  await cluster.untilComplete('other', 'Complete');
  assert.equal((await cluster.client.get(pods, 'web', { namespace })).metadata.deletionTimestamp, undefined);
  await cluster.client.delete(pods, 'web', { namespace });
});

test('a plan that failed is tried again when it is deleted and made anew', async () => {
  await cluster.fakeNode('one');
  await cluster.plan('os', { version: 'bad' });
  await cluster.untilComplete('os', 'ApplyFailed');
  await remove('os');
  await cluster.plan('os', { version: 'bad' });
  await cluster.untilComplete('os', 'ApplyFailed');
  assert.equal(cluster.begun.length, 2);
});

test('a plan that changes meanwhile lets a node end first what it was asked, and keeps to its number', async () => {
  const held = Promise.withResolvers<void>();
  for (const name of ['one', 'two']) await cluster.fakeNode(name, { held: held.promise });
  await cluster.plan('os', { cordon: true });
  await begun(1);
  await cluster.client.patch(plans, 'os', { type: 'merge', body: { spec: { version: '3.0' } } }, { namespace });
  await cluster.until('the end that is waited for', async () =>
    /ends the upgrade to 2\.0 first/.test(
      condition(await cluster.client.get(plans, 'os', { namespace }), 'Complete')?.message ?? '',
    )
      ? true
      : undefined,
  );
  held.resolve();
  const done = await cluster.untilComplete('os', 'Complete');
  assert.deepStrictEqual([done.status?.latestVersion, cluster.most, cluster.begun.length], ['3.0', 1, 3]);
});

test('a node that a plan is no longer about is as it was before', async () => {
  const held = Promise.withResolvers<void>();
  await cluster.fakeNode('one', { held: held.promise, labels: { pool: 'a' } });
  await cluster.plan('os', { cordon: true, nodeSelector: { matchLabels: { pool: 'a' } } });
  await begun(1);
  await cluster.client.patch(nodes, 'one', { type: 'merge', body: { metadata: { labels: { pool: null } } } });
  held.resolve();
  await untilFree('one');
});
