import assert from 'node:assert/strict';
import { until } from '../../images/machine/cluster.ts';
import { demoImage } from '../../images/machine/demo-image.ts';
import type { Machine } from '../../images/machine/machine.ts';
import type { MachineStatus } from '../../os/update/status.ts';
import { mountUpdates } from './updates.ts';
import { type Kubectl, patienceMs, untilReady } from './vm.ts';

/** One way in which a new version can be no good: what its kernel is told makes it so. */
export interface BadUpgrade {
  readonly name: string;
  /** More of the kernel's command line. */
  readonly words: string;
  /** What the machine says about it when it is back. */
  readonly reason: RegExp;
  /** For one that only shows in that nothing comes. */
  readonly deadline?: string;
}

const module = (code: string): string => `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
const nodeOptions = (words: string): string => `systemd.setenv=NODE_OPTIONS=${words}`;

export const badUpgrades: readonly BadUpgrade[] = [
  { name: 'panic', words: 'rdinit=/none', reason: /kernel panicked/ },
  // every program of ours ends at once, the health gate among them
  { name: 'broken', words: nodeOptions('--no-such-option'), reason: /kernel panicked, it hung/ },
  {
    name: 'no-daemon',
    words: 'systemd.setenv=K3S_DATASTORE_ENDPOINT=mysql://nobody',
    reason: /knarr\.service ended \d+ times/,
  },
  {
    name: 'no-api',
    words: nodeOptions(
      `--import=${module('import t from"node:tls";t.Server.prototype.listen=function(){return this}')}`,
    ),
    reason: /knarr\.service is activating|api: /,
    deadline: '120s',
  },
];

/** What runs on the machine and must outlive everything. */
export async function deploy(kubectl: Kubectl): Promise<void> {
  await kubectl.run('create', 'configmap', 'kept', '--from-literal=a=b');
  await kubectl.run('create', 'deployment', 'web', `--image=${demoImage}`, '--port=8080');
  await kubectl.run('rollout', 'status', 'deployment/web', '--timeout=600s');
}

/** All of it is there again. */
export async function stillThere(machine: Machine): Promise<Kubectl> {
  const kubectl = await untilReady(machine);
  assert.equal(await kubectl.run('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'), 'b');
  await kubectl.run('wait', '--for=condition=Ready', 'pod', '-l', 'app=web', '--timeout=600s');
  return kubectl;
}

export async function statusOf(machine: Machine): Promise<MachineStatus> {
  return JSON.parse((await machine.ssh('sudo knarr status -o json')).stdout) as MachineStatus;
}

export const runningVersion = (status: MachineStatus): string =>
  status.slots.find(({ running }) => running)?.version ?? 'none';

/** Runs `knarr upgrade` from a folder of the updates' disk. */
export async function upgrade(machine: Machine, name: string, options: string, env = ''): Promise<void> {
  await machine.ssh(`${mountUpdates} && sudo ${env} knarr upgrade ${options} /run/updates/${name}`, 2 * patienceMs);
}

/** The same, and then starts the machine anew; the connection may break by that. */
export async function upgradeFrom(machine: Machine, name: string, options: string): Promise<void> {
  await upgrade(machine, name, options);
  await machine.ssh('sudo systemctl reboot').catch(() => {});
}

/** What runs in containers, each with its identity: another one is another container. */
export const containersOf = (kubectl: Kubectl): Promise<string> =>
  kubectl.run(
    ...['get', 'pods', '-A', '-o'],
    'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].containerID} {.status.containerStatuses[*].restartCount}{"\\n"}{end}',
  );

/** Resolves when the machine says that the upgrade to `version` has ended. */
export const untilOutcome = (machine: Machine, version: string): Promise<MachineStatus> =>
  until(
    `the end of the upgrade to ${version}`,
    2 * patienceMs,
    async () => {
      const status = await statusOf(machine);
      return status.last?.to === version && status.pending === undefined ? status : undefined;
    },
    { machine, everyMs: 3_000 },
  );
