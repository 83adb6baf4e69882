import { readFile } from 'node:fs/promises';
import type { Host } from '../../cloud-config/host.ts';
import { nodes } from '../../src/api/gen/resources.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { UpgradeState } from '../../src/daemon/upgrade/state.ts';
import { containersHere } from './containers.ts';
import { runHooks } from './hooks.ts';
import type { LocalClients } from './local-clients.ts';
import { missingWorkloads, stillWantedBy } from './workloads.ts';

/** `wait`: not yet, why; `fail`: never, why. Nothing: healthy. */
export type Verdict = { readonly wait: string } | { readonly fail: string } | undefined;

export interface HealthContext {
  readonly host: Host;
  readonly state: UpgradeState;
  /** Opened anew for each round: the daemon writes what they need while it starts. */
  readonly clients: LocalClients;
  /** Units that had failed before the upgrade too. */
  readonly failedBefore: ReadonlySet<string>;
}

export interface HealthCheck {
  readonly name: string;
  run(context: HealthContext): Promise<Verdict>;
}

/** Units of the machine that have failed. */
export async function failedUnits(host: Host): Promise<string[]> {
  const { stdout } = await host.run('systemctl', ['list-units', '--failed', '--plain', '--no-legend', '--full']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((unit) => unit !== '');
}

const services: HealthCheck = {
  name: 'services',
  async run({ host, failedBefore }) {
    const failed = (await failedUnits(host)).filter((unit) => !failedBefore.has(unit));
    return failed.length === 0 ? undefined : { wait: `failed: ${failed.join(', ')}` };
  },
};

/** So many starts that came to nothing are proof enough. */
const startsAtMost = 5;

const daemon: HealthCheck = {
  name: 'daemon',
  async run({ host }) {
    const { stdout } = await host.run('systemctl', [
      'show',
      'knarr.service',
      '--property=ActiveState,NRestarts,ConditionResult,LoadState',
    ]);
    const field = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    if (field('ActiveState') === 'active') return undefined;
    if (field('LoadState') === 'loaded' && field('ConditionResult') === 'no' && field('ActiveState') === 'inactive')
      return { wait: 'knarr.service has not been started' };
    const restarts = Number(field('NRestarts'));
    if (restarts >= startsAtMost) return { fail: `knarr.service ended ${restarts} times before it was ready` };
    return { wait: `knarr.service is ${field('ActiveState') || 'not there'}` };
  },
};

const api: HealthCheck = {
  name: 'api',
  async run({ clients }) {
    if (!clients.isServer || clients.admin === undefined) return undefined;
    const answer = await clients.admin.raw({ method: 'GET', path: '/readyz' });
    return String(answer).startsWith('ok') ? undefined : { wait: `/readyz says ${JSON.stringify(answer)}` };
  },
};

const node: HealthCheck = {
  name: 'node',
  async run({ host, clients }) {
    // a server may be no node, and then has no such certificate
    if (clients.node === undefined) return clients.isServer ? undefined : { wait: 'this machine is no node yet' };
    const { client, name } = clients.node;
    const { status } = await client.get(nodes, name);
    const bootId = (await readFile(host.path('/proc/sys/kernel/random/boot_id'), 'utf8')).trim();
    if (status?.nodeInfo?.bootID !== bootId) return { wait: 'the node has not reported since this boot' };
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True'
      ? undefined
      : { wait: `the node is not Ready: ${ready?.message ?? 'no condition'}` };
  },
};

const workloads: HealthCheck = {
  name: 'workloads',
  async run({ host, state, clients }) {
    const before = await state.read('workloads');
    if (before === undefined || before.length === 0 || clients.node === undefined) return undefined;
    const { client, name } = clients.node;
    const stillWanted = clients.admin === undefined ? async () => undefined : stillWantedBy(clients.admin);
    const missing = await missingWorkloads(before, client, name, stillWanted, await containersHere(host));
    return missing.length === 0 ? undefined : { wait: missing.join('; ') };
  },
};

const own: HealthCheck = {
  name: 'own checks',
  async run({ host }) {
    const failed = await runHooks(host);
    return failed.length === 0 ? undefined : { wait: failed.join('; ') };
  },
};

/** What must be well before a version is kept, in the order in which it comes to be. */
export const healthChecks: readonly HealthCheck[] = [services, daemon, api, node, workloads, own];

/** All that is not well, each with its check's name. What a check throws is a reason to wait. */
export async function judge(
  checks: readonly HealthCheck[],
  context: HealthContext,
): Promise<{ waits: string[]; fails: string[] }> {
  const waits: string[] = [];
  const fails: string[] = [];
  for (const check of checks) {
    const verdict = await check.run(context).catch((error: unknown): Verdict => ({ wait: messageOf(error) }));
    if (verdict === undefined) continue;
    if ('fail' in verdict) fails.push(`${check.name}: ${verdict.fail}`);
    else waits.push(`${check.name}: ${verdict.wait}`);
    // the later ones only show what the earlier one causes
    if (check.name === 'daemon' || check.name === 'api') break;
  }
  return { waits, fails };
}
