import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createPlans } from '../../src/addons/plans/controller.ts';
import { type Plan, type PlanCondition, plans } from '../../src/addons/plans/plan.ts';
import { events, nodes, serviceaccounts } from '../../src/api/gen/resources.ts';
import { delay } from '../../src/base/abort.ts';
import type { Component } from '../../src/base/component.ts';
import { createLogger } from '../../src/base/log.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createInformerFactory } from '../../src/client/informer.ts';
import { createNodeUpgrades } from '../../src/daemon/upgrade/node-upgrades.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { startServer } from './start-server.ts';

export const namespace = 'default';
const log = createLogger({ part: 'test', level: 'error' });

/** A server that carries out plans, on machines that are not there. */
export interface PlanCluster {
  readonly client: Client;
  readonly folder: string;
  /** In which order the nodes began. */
  readonly begun: string[];
  /** How many were under way at most. */
  readonly most: number;
  /** A node whose machine takes every update but those whose version is `bad`. */
  fakeNode(
    name: string,
    options?: {
      server?: boolean;
      labels?: Record<string, string>;
      /** Its upgrades end when this is over. */
      held?: Promise<unknown>;
    },
  ): Promise<void>;
  plan(name: string, spec: Partial<NonNullable<Plan['spec']>>): Promise<Plan>;
  untilComplete(name: string, reason: string): Promise<Plan>;
  until<T>(what: string, look: () => Promise<T | undefined>): Promise<T>;
  /** Reasons of the events about an object. */
  reasonsOf(name: string): Promise<string[]>;
  /** Takes plans and nodes away. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export const bootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

export const condition = ({ status }: Plan, type: string): PlanCondition | undefined =>
  status?.conditions?.find((one) => one.type === type);

export async function openPlanCluster(options: { pollChannelMs?: number } = {}): Promise<PlanCluster> {
  const server = await startServer({ store: 'memory' });
  const client = createClient(server.server.transport({ name: 'admin', groups: ['system:masters'] }));
  await client.create(serviceaccounts, { metadata: { name: 'default', namespace } }, { namespace });
  const informers = createInformerFactory(client);
  informers.start();
  const controller = createPlans({ client, informers, log, everyMs: 50, ...options });
  await controller.start();
  /** What runs on the nodes. */
  let machines: Component[] = [];
  let begun: string[] = [];
  let most = 0;
  let now = 0;

  const cluster: PlanCluster = {
    client,
    folder: server.folder,
    get begun() {
      return begun;
    },
    get most() {
      return most;
    },
    async fakeNode(name, { server: isServer = false, labels = {}, held } = {}) {
      const role = isServer ? { 'node-role.kubernetes.io/control-plane': 'true' } : {};
      await client.create(nodes, {
        metadata: { name, labels: { 'kubernetes.io/hostname': name, ...role, ...labels } },
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
            await held;
            await state.write('pending', pending);
            await delay(30);
            const kept = to !== 'bad';
            if (kept) machine = to;
            now--;
            await state.write('outcome', {
              ...{ id, kind: 'upgrade', from, to, at, request, datastoreRestored: false },
              result: kept ? 'kept' : 'returned',
              reasons: kept ? [] : ['api: no answer'],
            });
            await state.remove('pending');
          }, 30);
        },
      });
      await upgrades.start();
      machines.push({ ...upgrades, stop: async () => upgrades.stop().then(() => rm(folder, { recursive: true })) });
    },
    plan: (name, spec) =>
      client.create(plans, {
        metadata: { name, namespace },
        spec: {
          concurrency: 1,
          ...(spec.channel === undefined ? { version: '2.0' } : {}),
          upgrade: { image: 'knarr/upgrade', args: ['http://updates/$(SYSTEM_UPGRADE_PLAN_LATEST_VERSION)'] },
          ...spec,
        },
      }),
    untilComplete: (name, reason) =>
      cluster.until(`${name} ${reason}`, async () => {
        const found = await client.get(plans, name, { namespace });
        return condition(found, 'Complete')?.reason === reason ? found : undefined;
      }),
    async until(what, look) {
      for (const end = Date.now() + 60_000; Date.now() < end; await delay(20)) {
        const found = await look();
        if (found !== undefined) return found;
      }
      throw new Error(
        `${what}: not within a minute; plans: ${JSON.stringify((await client.list(plans)).items.map((p) => p.status))}`,
      );
    },
    reasonsOf: async (name) =>
      (await client.list(events, { namespace })).items
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason = '' }) => reason),
    async clear() {
      for (const { metadata } of (await client.list(plans)).items)
        await client.delete(plans, metadata.name ?? '', { namespace });
      for (const one of machines) await one.stop();
      machines = [];
      for (const { metadata } of (await client.list(nodes)).items) await client.delete(nodes, metadata.name ?? '');
      begun = [];
      [most, now] = [0, 0];
    },
    async close() {
      for (const one of machines) await one.stop();
      await controller.stop();
      await informers.stop();
      await server[Symbol.asyncDispose]();
    },
  };
  return cluster;
}
