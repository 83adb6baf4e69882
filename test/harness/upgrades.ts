import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../images/machine/cluster.ts';
import { demoImage } from '../../images/machine/demo-image.ts';
import type { Machine } from '../../images/machine/machine.ts';
import type { MachineStatus } from '../../os/update/status.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { mountUpdates, type Variant } from './updates.ts';
import { type Kubectl, patienceMs, untilAnswers, untilReady } from './vm.ts';

/** One way in which a new version can be no good. */
export interface BadUpgrade extends Variant {
  /** What the machine says about it when it is back. */
  readonly reason: RegExp;
  /** It shows in that something never comes: for so many times what a good version needs is waited for it. */
  readonly waits?: number;
  /** The machine is started anew as a person does it; otherwise its power is cut when all is written. */
  readonly reboot?: boolean;
}

/** Every program of ours runs this first. */
const first = (code: string): string =>
  `systemd.setenv=NODE_OPTIONS=--import=data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;

/** A word of the kernel's command line with which the workload of `deploy` is never ready. */
const unbearable = 'knarr-test.unbearable';

export const badUpgrades: readonly BadUpgrade[] = [
  {
    name: 'no-workload',
    words: unbearable,
    migrates: true,
    reason: /workloads: ReplicaSet default\/web-\w+: 0 of 1 pods ready/,
    // all but the workload is to be well by then
    waits: 1.5,
    reboot: true,
  },
  {
    name: 'no-api',
    words: first('import t from"node:tls";t.Server.prototype.listen=function(){return this}'),
    reason: /knarr\.service (is activating|has not been started)|api: /,
    waits: 1,
  },
  {
    name: 'no-daemon',
    words: first('if(process.argv[2]==="server")process.exit(1)'),
    reason: /knarr\.service ended \d+ times/,
  },
  { name: 'panic', words: 'rdinit=/none panic=1', reason: /kernel panicked/ },
];

/** And one in which nothing of ours runs, the health gate neither. */
export const brokenUpgrade: BadUpgrade = {
  name: 'broken',
  words: 'systemd.setenv=NODE_OPTIONS=--no-such-option',
  reason: /kernel panicked, it hung/,
};

const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: demoImage,
            // the first process of a container ends on no signal that it does not expect
            command: ['sh', '-c', 'trap "exit 0" TERM; httpd -f -p 8080 -h /www & wait'],
            readinessProbe: {
              exec: { command: ['sh', '-c', `case "$(cat /proc/cmdline)" in *${unbearable}*) exit 1;; esac`] },
              periodSeconds: 5,
              timeoutSeconds: 60,
            },
          },
        ],
      },
    },
  },
};

/** What runs on the machine and must outlive everything. */
export async function deploy(machine: Machine, kubectl: Kubectl): Promise<void> {
  const path = join(machine.folder, 'web.json');
  await writeFile(path, JSON.stringify(web));
  await kubectl.run('apply', '-f', path);
  await kubectl.run('rollout', 'status', 'deployment/web', '--timeout=600s');
}

/** Something that is written before an upgrade, and looked for behind it. */
export const remember = (kubectl: Kubectl, name: string): Promise<string> =>
  kubectl.run('create', 'configmap', name, '--from-literal=a=b');

const bootOf = async (machine: Machine): Promise<string> =>
  (await machine.ssh('cat /proc/sys/kernel/random/boot_id')).stdout.trim();

/**
 * All that was written is there. Then, unless that is all that is asked for, the node is Ready, in this boot, not in what is
 * still said of the last, and its workload runs.
 */
export async function stillThere(
  machine: Machine,
  remembered: readonly string[],
  as: 'data' | 'workload' = 'workload',
): Promise<Kubectl> {
  const kubectl = await (as === 'data' ? untilAnswers : untilReady)(machine);
  const soon = (what: string, look: () => Promise<boolean>): Promise<true> =>
    until(what, patienceMs, async () => ((await look()) ? true : undefined), { machine, everyMs: 2_000 });
  const listed = ['get', 'configmaps', '-o', 'jsonpath={.items[?(@.data.a=="b")].metadata.name}'];
  const kept = await until('the configmaps', patienceMs, () => kubectl.run(...listed), { machine, everyMs: 2_000 });
  assert.deepStrictEqual(kept.split(' ').sort(), [...remembered].sort());
  if (as === 'data') return kubectl;
  const boot = await bootOf(machine);
  await soon('the node to report', async () => {
    const told = await kubectl.run('get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.bootID}');
    return told === boot;
  });
  await soon('the workload', async () =>
    /hello/.test(await kubectl.run('exec', 'deployment/web', '--', 'cat', '/www/index.html')),
  );
  await kubectl.run('rollout', 'status', 'deployment/web', '--timeout=600s');
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

/** ssh's own word for a connection that broke, as it does when the machine starts anew. */
const brokeOff = (error: unknown): boolean =>
  error instanceof KnarrError && /exit code 255/.test(String((error.details as { why?: string })?.why));

/**
 * Does what starts the machine anew, and waits until its console has shown `pattern` since. What goes wrong before is
 * thrown at once.
 */
export async function untilAfterwards(machine: Machine, work: () => Promise<unknown>, pattern: RegExp): Promise<void> {
  const from = (await machine.console()).length;
  let failed: unknown;
  work().catch((error: unknown) => {
    if (!brokeOff(error)) failed = error;
  });
  const shown = async (): Promise<true | undefined> =>
    failed !== undefined || pattern.test((await machine.console()).slice(from)) ? true : undefined;
  await until(`${pattern} on the console`, 3 * patienceMs, shown, { machine });
  if (failed !== undefined) throw failed;
}

/** Resolves when the machine says that the upgrade to `version` has ended. */
const untilOutcome = (machine: Machine, version: string): Promise<MachineStatus> =>
  until(
    `the end of the upgrade to ${version}`,
    2 * patienceMs,
    async () => {
      const status = await statusOf(machine);
      return status.last?.to === version && status.pending === undefined ? status : undefined;
    },
    { machine, everyMs: 3_000 },
  );

/** Does what starts the machine anew on another version, and waits until its trial has ended one way or the other. */
export async function untilTried(machine: Machine, version: string, work: () => Promise<unknown>) {
  const ended = /knarr: \S+ (is healthy and stays|was not kept, |.*was cut off before it could)/;
  await untilAfterwards(machine, work, ended);
  return untilOutcome(machine, version);
}

/** The power is cut in the moment in which the boot loader has come to know the new version. */
export const upgradeAndCut = (machine: Machine, name: string, version: string, options: string) =>
  untilTried(machine, version, () => upgrade(machine, name, options, 'KNARR_FAULT=entry/placed'));

export const upgradeAndReboot = (machine: Machine, name: string, version: string, options: string) =>
  untilTried(machine, version, () => upgrade(machine, name, `--reboot ${options}`));

/** How long the health gate took in this boot, in seconds. */
export async function gateSeconds(machine: Machine): Promise<number> {
  const { stdout } = await machine.ssh(
    'systemctl show knarr-health.service -P ExecMainStartTimestampMonotonic -P ExecMainExitTimestampMonotonic',
  );
  const [begun, ended] = stdout.trim().split('\n').map(Number) as [number, number];
  assert.ok(ended > begun && begun > 0, stdout);
  return (ended - begun) / 1e6;
}

/** What runs in containers, each with its identity: another one is another container. */
export const containersOf = (kubectl: Kubectl): Promise<string> =>
  kubectl.run(
    ...['get', 'pods', '-A', '-o'],
    'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].containerID} {.status.containerStatuses[*].restartCount}{"\\n"}{end}',
  );
