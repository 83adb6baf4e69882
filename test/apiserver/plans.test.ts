import assert from 'node:assert/strict';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { createPlans } from '../../src/addons/plans/controller.ts';
import { type Plan, planLabel, plans } from '../../src/addons/plans/plan.ts';
import type { Pod } from '../../src/api/gen/core-v1.ts';
import { events, nodes, pods, serviceaccounts } from '../../src/api/gen/resources.ts';
import { delay } from '../../src/base/abort.ts';
import type { Component } from '../../src/base/component.ts';
import { eventually } from '../../src/base/eventually.ts';
import { createLogger } from '../../src/base/log.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createInformerFactory, type InformerFactory } from '../../src/client/informer.ts';
import {
  createNodeUpgrades,
  judgeRequest,
  outcomeAnnotation,
  versionLabel,
} from '../../src/daemon/upgrade/node-upgrades.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { startServer, type TestServer } from './start-server.ts';

const namespace = 'default';
const log = createLogger({ part: 'test', level: 'error' });
let server: TestServer;
let client: Client;
let informers: InformerFactory;
const running: Component[] = [];
/** In which order the nodes began, and how many were under way at most. */
let begun: string[] = [];
let most = 0;
let now = 0;

before(async () => {
  server = await startServer({ store: 'memory' });
  client = createClient(server.server.transport({ name: 'admin', groups: ['system:masters'] }));
  await client.create(serviceaccounts, { metadata: { name: 'default', namespace } }, { namespace });
  informers = createInformerFactory(client);
  informers.start();
  const controller = createPlans({ client, informers, log, everyMs: 50 });
  await controller.start();
  running.push(controller);
});
after(async () => {
  for (const one of running.reverse()) await one.stop();
  await informers?.stop();
  await server?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const { metadata } of (await client.list(plans)).items)
    await client.delete(plans, metadata.name ?? '', { namespace });
  for (const { metadata } of (await client.list(nodes)).items) await client.delete(nodes, metadata.name ?? '');
  begun = [];
  [most, now] = [0, 0];
});

const bootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

/** A node whose machine takes every update but those whose version is `bad`. */
async function fakeNode(
  name: string,
  options: { server?: boolean; labels?: Record<string, string> } = {},
): Promise<void> {
  const role = options.server ? { 'node-role.kubernetes.io/control-plane': 'true' } : {};
  await client.create(nodes, {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...role, ...options.labels } },
  });
  const folder = join(server.folder, `${name}-${Math.random()}`);
  await mkdir(folder, { recursive: true });
  const state = upgradeState(folder);
  let machine = '1.0';
  const upgrades = createNodeUpgrades({
    client,
    informers,
    nodeName: name,
    log,
    state,
    machineVersion: async () => machine,
    daemonVersion: 'v1',
    async startTool(args) {
      const [plan = '', hash = ''] = (args[2] ?? '').split('=');
      const request = { plan, hash };
      const to = (args[3] ?? '').split('/').at(-1) ?? '';
      begun.push(name);
      most = Math.max(most, ++now);
      const [id, at, from] = [`${name}-${begun.length}`, begun.length, machine];
      await state.write('progress', { at, text: 'write', request, boot: await bootId(), pid: process.pid });
      const pending = {
        id,
        kind: 'upgrade',
        from,
        to,
        tries: 3,
        deadlineSeconds: 60,
        source: '',
        request,
        at,
      } as const;
      setTimeout(async () => {
        await state.write('pending', pending);
        await delay(30);
        const kept = to !== 'bad';
        if (kept) machine = to;
        now--;
        const reasons = kept ? [] : ['api: no answer'];
        const result = kept ? 'kept' : 'returned';
        await state.write('outcome', {
          id,
          kind: 'upgrade',
          result,
          from,
          to,
          at,
          reasons,
          datastoreRestored: false,
          request,
        });
        await state.remove('pending');
      }, 30);
    },
  });
  await upgrades.start();
  running.push({ ...upgrades, stop: async () => upgrades.stop().then(() => rm(folder, { recursive: true })) });
}

const plan = (name: string, spec: Partial<NonNullable<Plan['spec']>>): Promise<Plan> =>
  client.create(plans, {
    metadata: { name, namespace },
    spec: {
      concurrency: 1,
      version: '2.0',
      upgrade: { image: 'knarr/upgrade', args: ['http://updates/$(SYSTEM_UPGRADE_PLAN_LATEST_VERSION)'] },
      ...spec,
    },
  });

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 60_000; Date.now() < end; await delay(20)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(
    `${what}: not within a minute; plans: ${JSON.stringify((await client.list(plans)).items.map((p) => p.status))}`,
  );
}

const condition = ({ status }: Plan, type: string) => status?.conditions?.find((one) => one.type === type);
const untilComplete = (name: string, reason: string): Promise<Plan> =>
  until(`${name} ${reason}`, async () => {
    const found = await client.get(plans, name, { namespace });
    return condition(found, 'Complete')?.reason === reason ? found : undefined;
  });
const reasonsOf = async (name: string): Promise<string[]> =>
  (await client.list(events, { namespace })).items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason = '' }) => reason);

test('the server goes first, then the agents, one at a time; each is drained, labelled and schedulable again', async () => {
  for (const name of ['agent-1', 'agent-2']) await fakeNode(name);
  await fakeNode('server-1', { server: true });
  await fakeNode('kept-out', { labels: { [planLabel('os')]: 'disabled' } });
  const pod: Pod = {
    metadata: { name: 'lonely', namespace },
    spec: { nodeName: 'agent-1', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
  };
  await client.create(pods, pod);
  await plan('os', { drain: { force: true } });
  const done = await untilComplete('os', 'Complete');
  assert.equal(begun[0], 'server-1');
  assert.deepStrictEqual(begun.slice(1).sort(), ['agent-1', 'agent-2']);
  assert.equal(most, 1);
  const { latestVersion, latestHash = '', applying } = done.status ?? {};
  assert.deepStrictEqual([latestVersion, applying], ['2.0', []]);
  assert.equal(condition(done, 'Validated')?.status, 'True');
  assert.equal(condition(done, 'LatestResolved')?.reason, 'Version');
  for (const name of ['server-1', 'agent-1', 'agent-2']) {
    const { metadata, spec } = await client.get(nodes, name);
    assert.equal(metadata.labels?.[planLabel('os')], latestHash);
    assert.equal(spec?.unschedulable, undefined);
    assert.deepStrictEqual(Object.keys(metadata.annotations ?? {}), [outcomeAnnotation]);
  }
  await until('the label of the version', async () =>
    (await client.get(nodes, 'server-1')).metadata.labels?.[versionLabel] === '2.0' ? true : undefined,
  );
  assert.deepStrictEqual((await client.list(pods, { namespace })).items, []);
  await eventually('the events', async () => {
    assert.ok((await reasonsOf('os')).includes('Complete'));
    assert.ok((await reasonsOf('server-1')).includes('UpgradeKept'));
  });
});

test('a node that came back stops the plan until it changes; nodes that somebody cordoned stay so', async () => {
  for (const name of ['one', 'two']) await fakeNode(name);
  await client.patch(nodes, 'two', { type: 'merge', body: { spec: { unschedulable: true } } });
  await plan('os', { version: 'bad', cordon: true });
  const stuck = await untilComplete('os', 'ApplyFailed');
  assert.match(condition(stuck, 'Complete')?.message ?? '', /bad was not kept, 1\.0 runs again: api: no answer/);
  await delay(300);
  assert.equal(begun.length, 1);
  const [node = ''] = begun;
  assert.equal((await client.get(nodes, node)).spec?.unschedulable, node === 'two' ? true : undefined);
  assert.ok((await reasonsOf('os')).includes('ApplyFailed'));
  await client.patch(plans, 'os', { type: 'merge', body: { spec: { version: '2.0' } } }, { namespace });
  await untilComplete('os', 'Complete');
  assert.equal((await client.get(nodes, 'two')).spec?.unschedulable, true);
});

test('no more nodes than the plan says are under way', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await fakeNode(name, { labels: { pool: name === 'e' ? 'other' : 'blue' } });
  await plan('os', { concurrency: 2, nodeSelector: { matchLabels: { pool: 'blue' } } });
  await untilComplete('os', 'Complete');
  assert.deepStrictEqual(begun.sort(), ['a', 'b', 'c', 'd']);
  assert.equal(most, 2);
});

test('a drain that cannot be is told, and the node is schedulable again', async () => {
  await fakeNode('one');
  await client.create(pods, {
    metadata: { name: 'bare', namespace },
    spec: { nodeName: 'one', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
  });
  await plan('os', { drain: {} });
  const stuck = await untilComplete('os', 'ApplyFailed');
  assert.match(condition(stuck, 'Complete')?.message ?? '', /bare has no controller/);
  assert.equal((await client.get(nodes, 'one')).spec?.unschedulable, undefined);
  assert.deepStrictEqual(begun, []);
  await client.delete(pods, 'bare', { namespace });
});

test('what is no plan is told; what is for the original controller is left alone', async () => {
  await fakeNode('one');
  await plan('wrong', { upgrade: { image: 'knarr/upgrade' } });
  await until('Validated', async () => {
    const found = condition(await client.get(plans, 'wrong', { namespace }), 'Validated');
    return found?.status === 'False' && /must name the update/.test(found.message ?? '') ? true : undefined;
  });
  await plan('other', { upgrade: { image: 'rancher/k3s-upgrade' } });
  await until('Unsupported', async () => ((await reasonsOf('other')).includes('Unsupported') ? true : undefined));
  assert.equal((await client.get(plans, 'other', { namespace })).status, undefined);
  assert.deepStrictEqual(begun, []);
});

test('what a power cut or a kill ended before the new version could start is begun again', async () => {
  const folder = join(server.folder, 'judged');
  await mkdir(folder, { recursive: true });
  const state = upgradeState(folder);
  const asked = { plan: 'a/b', hash: 'h', kind: 'os', from: '', version: '2', at: 1 } as const;
  const judge = () => judgeRequest(asked, state, { machine: '1', daemon: '1' });
  const [boot, pid] = [await bootId(), process.pid];
  const request = { plan: 'a/b', hash: 'h-1' };
  const progress = { at: 1, text: 'write', request, boot, pid };
  await state.write('progress', progress);
  assert.deepStrictEqual(await judge(), { state: 'working', text: 'write' });
  for (const ended of [{ boot: 'the one before' }, { pid: 2 ** 22 + 1 }]) {
    await state.write('progress', { ...progress, ...ended });
    assert.equal(await judge(), 'start');
  }
  const outcome = { id: 'x', kind: 'upgrade', from: '1', to: '2', at: 1, datastoreRestored: false, request } as const;
  await state.write('outcome', { ...outcome, result: 'interrupted', reasons: [] });
  assert.equal(await judge(), 'start');
  await state.write('outcome', { ...outcome, result: 'returned', reasons: ['api: no'] });
  assert.deepStrictEqual(await judge(), { state: 'failed', text: '2 was not kept, 1 runs again: api: no' });
});
