import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { planLabel, plans } from '../../src/addons/plans/plan.ts';
import { nodes } from '../../src/api/gen/resources.ts';
import { delay } from '../../src/base/abort.ts';
import { condition, namespace, openPlanCluster, type PlanCluster } from './plan-cluster.ts';

let cluster: PlanCluster;
before(async () => {
  cluster = await openPlanCluster({ pollChannelMs: 300 });
});
afterEach(() => cluster.clear());
after(() => cluster?.close());

/** Long enough for a plan that may begin to have begun. */
const aWhileMs = 400;
const change = (name: string, spec: object): Promise<unknown> =>
  cluster.client.patch(plans, name, { type: 'merge', body: { spec } }, { namespace });

test('a channel is a URL that leads to the version; another one is taken when it leads there', async () => {
  let version = '2.0';
  const asked: unknown[] = [];
  const server = createServer(({ url, headers }, response) => {
    if (url === '/broken') return void response.writeHead(500).end();
    asked.push(headers['x-suc-latest-version']);
    response.writeHead(302, { location: `/releases/tag/${version}` }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await cluster.fakeNode('one');
    await cluster.plan('os', { channel: `${base}/latest` });
    const first = await cluster.untilComplete('os', 'Complete');
    assert.deepStrictEqual(
      [first.status?.latestVersion, condition(first, 'LatestResolved')?.reason],
      ['2.0', 'Channel'],
    );
    version = 'v3.0+k3s1';
    await cluster.until('the newer version', async () => {
      const { status } = await cluster.client.get(plans, 'os', { namespace });
      return status?.latestVersion === 'v3.0-k3s1' &&
        status.conditions?.some((c) => c.reason === 'Complete') &&
        cluster.begun.length === 2
        ? true
        : undefined;
    });
    assert.deepStrictEqual(asked.slice(0, 2), [undefined, '2.0']);
    await cluster.plan('broken', { channel: `${base}/broken` });
    await cluster.until('what is wrong with the channel', async () => {
      const resolved = condition(await cluster.client.get(plans, 'broken', { namespace }), 'LatestResolved');
      return resolved?.status === 'False' && /unexpected response: 500/.test(resolved.message ?? '') ? true : undefined;
    });
  } finally {
    server.close();
  }
});

test('outside its window a plan begins nothing', async () => {
  const now = new Date();
  const hour = (after: number): string => `${String((now.getUTCHours() + after) % 24).padStart(2, '0')}:00`;
  await cluster.fakeNode('one');
  await cluster.plan('os', { window: { startTime: hour(3), endTime: hour(4) } });
  await cluster.untilComplete('os', 'Applying');
  await delay(aWhileMs);
  assert.deepStrictEqual(cluster.begun, []);
  await change('os', { window: { startTime: hour(0), endTime: hour(2) } });
  await cluster.untilComplete('os', 'Complete');
});

test('of exclusive plans one at a time has nodes under way', async () => {
  for (const name of ['a', 'b', 'c']) await cluster.fakeNode(name, { labels: { pool: name } });
  const only = (pool: string) => ({ nodeSelector: { matchLabels: { pool } } });
  for (const name of ['a', 'b', 'c']) await cluster.plan(`os-${name}`, { ...only(name), exclusive: true });
  for (const name of ['a', 'b', 'c']) await cluster.untilComplete(`os-${name}`, 'Complete');
  assert.deepStrictEqual([[...cluster.begun].sort(), cluster.most], [['a', 'b', 'c'], 1]);
});

test('a plan that is to be prepared by another waits for it', async () => {
  await cluster.fakeNode('one');
  await cluster.plan('second', { prepare: { image: 'knarr/upgrade', args: ['prepare', 'first'] } });
  await cluster.until('what it waits for', async () =>
    condition(await cluster.client.get(plans, 'second', { namespace }), 'Complete')?.message ===
    'waits for the plan first'
      ? true
      : undefined,
  );
  await delay(aWhileMs);
  assert.deepStrictEqual(cluster.begun, []);
  await cluster.plan('first', { version: '1.5' });
  await cluster.untilComplete('second', 'Complete');
  assert.deepStrictEqual(cluster.begun, ['one', 'one']);
});

test('a node that is done gets the labels of the plan, and the next one begins after the delay', async () => {
  for (const name of ['one', 'two']) await cluster.fakeNode(name);
  const delayMs = 1_500;
  await cluster.plan('os', {
    postCompleteDelay: `${delayMs}ms`,
    customNodeLabels: { 'example.com/version': '$(LATEST_VERSION)', 'example.com/by': 'a-plan' },
  });
  await cluster.until('the first', async () => (cluster.begun.length === 1 ? true : undefined));
  const begun = performance.now();
  const done = await cluster.untilComplete('os', 'Complete');
  assert.ok(performance.now() - begun >= delayMs, 'the second did not wait');
  const { metadata } = await cluster.client.get(nodes, 'two');
  assert.deepStrictEqual(
    ['example.com/version', 'example.com/by'].map((label) => metadata.labels?.[label]),
    [done.status?.latestVersion, 'a-plan'],
  );
});

test('a node of which nothing is heard within the deadline stops the plan', async () => {
  await cluster.client.create(nodes, { metadata: { name: 'silent', labels: { 'kubernetes.io/hostname': 'silent' } } });
  await cluster.plan('os', { jobActiveDeadlineSecs: 1, cordon: true });
  const stuck = await cluster.untilComplete('os', 'ApplyFailed');
  assert.match(condition(stuck, 'Complete')?.message ?? '', /silent: nothing was heard of it within 1 s/);
  assert.equal((await cluster.client.get(nodes, 'silent')).spec?.unschedulable, undefined);
});

test('one that is not done within the deadline does too, and is done when it is', async () => {
  const held = Promise.withResolvers<void>();
  await cluster.fakeNode('slow', { held: held.promise });
  await cluster.plan('os', { jobActiveDeadlineSecs: 1, cordon: true });
  await cluster.until('what is said of it', async () =>
    /slow: not done within 1 s: /.test(
      condition(await cluster.client.get(plans, 'os', { namespace }), 'Complete')?.message ?? '',
    )
      ? true
      : undefined,
  );
  held.resolve();
  await cluster.untilComplete('os', 'Complete');
});

test('a channel that no longer answers holds up no node that is under way', async () => {
  const held = Promise.withResolvers<void>();
  const server = createServer((_, response) => void response.writeHead(302, { location: '/2.0' }).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const name of ['one', 'two']) await cluster.fakeNode(name, { held: held.promise });
  await cluster.plan('os', {
    channel: `http://127.0.0.1:${(server.address() as AddressInfo).port}/latest`,
    cordon: true,
  });
  await cluster.until('the first', async () => (cluster.begun.length === 1 ? true : undefined));
  server.close();
  server.closeAllConnections();
  await cluster.until('what is wrong with the channel', async () => {
    const found = await cluster.client.get(plans, 'os', { namespace });
    return condition(found, 'LatestResolved')?.status === 'False' ? true : undefined;
  });
  held.resolve();
  const [first = ''] = cluster.begun;
  await cluster.until('the end of the first', async () => {
    const { metadata, spec } = await cluster.client.get(nodes, first);
    return spec?.unschedulable === undefined && metadata.labels?.[planLabel('os')] !== undefined ? true : undefined;
  });
  await delay(aWhileMs);
  assert.deepStrictEqual(cluster.begun, [first]);
});
