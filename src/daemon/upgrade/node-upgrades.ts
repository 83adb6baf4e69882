import { type FSWatcher, watch } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import {
  reportOf,
  requestOf,
  statusAnnotation,
  type UpgradeReport,
  type UpgradeRequest,
} from '../../addons/plans/request.ts';
import type { Node } from '../../api/gen/core-v1.ts';
import { nodes } from '../../api/gen/resources.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import type { Client } from '../../client/client.ts';
import { createEventRecorder, referenceTo } from '../../client/events.ts';
import type { InformerFactory } from '../../client/informer.ts';
import { type Outcome, type PlanRequest, type Progress, type UpgradeState, upgradeState } from './state.ts';

export interface NodeUpgradesOptions {
  client: Client;
  informers: InformerFactory;
  nodeName: string;
  log: Logger;
  state?: UpgradeState;
  /** The version of the image that runs; undefined on a machine with a distribution of its own. */
  machineVersion?: () => Promise<string | undefined>;
  /** The version of the daemon that runs. */
  daemonVersion: string;
  /** Starts the tool beside us: it outlives this process. */
  startTool?: (args: readonly string[]) => Promise<void>;
}

/** How the last upgrade ended, on the node; a change of it is an event. */
export const outcomeAnnotation = 'knarr.io/last-upgrade';
/** As k3OS labels its nodes. */
export const versionLabel = 'k3os.io/version';

const ownVersion = async (): Promise<string | undefined> => {
  const text = await readFile('/usr/lib/os-release', 'utf8').catch(() => '');
  return /^ID=knarr$/m.test(text) ? /^VERSION_ID="?([^"\n]*)/m.exec(text)?.[1] : undefined;
};

/** One that is about to end does not stand in the way of the next, which waits for it (os/update/lock.ts). */
const besideUs = async (args: readonly string[]): Promise<void> => {
  const unit = `--unit=knarr-upgrade-${Date.now()}`;
  await run('systemd-run', [unit, '--collect', '--quiet', '/usr/bin/knarr', 'upgrade', ...args]);
};

const idOf = ({ plan, hash, at }: UpgradeRequest): PlanRequest => ({
  plan,
  hash: `${hash}-${String(at).replace('.', '-')}`,
});
const isFor = (id: PlanRequest, other: PlanRequest | undefined): boolean =>
  other?.plan === id.plan && other.hash === id.hash;

/** Whether the tool that wrote this is still at work: not after a power cut, nor when it was killed. */
async function atWork({ boot, pid }: Progress): Promise<boolean> {
  if (boot !== (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()) return false;
  return access(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
}

/** What a node says of a request, by what the machine has written down; `start`: nothing was begun yet. */
export async function judgeRequest(
  request: UpgradeRequest,
  state: UpgradeState,
  versions: { machine: string | undefined; daemon: string },
): Promise<Pick<UpgradeReport, 'state' | 'text'> | 'start'> {
  const id = idOf(request);
  const [outcome, pending, progress] = [
    await state.read('outcome'),
    await state.read('pending'),
    await state.read('progress'),
  ];
  const ended = outcome !== undefined && isFor(id, outcome.request) ? outcome : undefined;
  // one that was cut off before the new version could start is begun again
  if (ended !== undefined && ended.result !== 'interrupted')
    return ended.result === 'kept' ? { state: 'done', text: '' } : { state: 'failed', text: summaryOf(ended) };
  if (pending !== undefined && isFor(id, pending.request)) {
    const begun = (request.kind === 'os' ? versions.machine : versions.daemon) === pending.to;
    return { state: 'trial', text: begun ? 'on trial' : 'restarting' };
  }
  // a person may have done it after it had failed
  const running = request.kind === 'os' ? versions.machine : versions.daemon;
  if (running?.replaceAll('+', '-') === request.version) return { state: 'done', text: '' };
  if (progress !== undefined && isFor(id, progress.request)) {
    if (progress.failed !== undefined) return { state: 'failed', text: progress.failed };
    if (await atWork(progress)) return { state: 'working', text: progress.text };
  }
  if (request.kind === 'os' && versions.machine === undefined)
    return { state: 'failed', text: 'this machine runs a distribution of its own, not an image of Knarr' };
  return 'start';
}

const summaryOf = ({ result, from, to, reasons }: Outcome): string => {
  const why = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  if (result === 'kept') return `${to} runs and stays`;
  if (result === 'returned') return `${to} was not kept, ${from} runs again${why}`;
  return `the upgrade to ${to} was cut off${why}`;
};

const reasonOf = { kept: 'UpgradeKept', returned: 'UpgradeReturned', interrupted: 'UpgradeInterrupted' } as const;

/**
 * The node's side of upgrades: tells the cluster what version runs and how the last upgrade ended, and does what a plan
 * asks of this node (src/addons/plans/request.ts).
 */
export function createNodeUpgrades(options: NodeUpgradesOptions): Component {
  const { client, informers, nodeName, log, daemonVersion } = options;
  const { state = upgradeState(), machineVersion = ownVersion, startTool = besideUs } = options;
  const recorder = createEventRecorder({ client, component: 'knarr', host: nodeName, log });
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let stopped = false;
  const started = new Set<string>();

  const patch = async (metadata: { labels?: object; annotations?: object }): Promise<void> => {
    const written = await client.patch(nodes, nodeName, { type: 'merge', body: { metadata } });
    informers.informer(nodes).observe(written);
  };

  const tellOutcome = async (node: Node, machine: string | undefined): Promise<void> => {
    if (machine !== undefined && node.metadata.labels?.[versionLabel] !== machine)
      await patch({ labels: { [versionLabel]: machine } });
    const outcome = await state.read('outcome');
    if (outcome === undefined) return;
    const { id, result, from, to, reasons, datastoreRestored } = outcome;
    const text = JSON.stringify({ id, result, from, to, reasons, datastoreRestored });
    if (node.metadata.annotations?.[outcomeAnnotation] === text) return;
    await patch({ annotations: { [outcomeAnnotation]: text } });
    const type = result === 'kept' ? 'Normal' : 'Warning';
    recorder.event(referenceTo(nodes, node), type, reasonOf[result], summaryOf(outcome));
  };

  const answer = async (node: Node, machine: string | undefined): Promise<void> => {
    const request = requestOf(node);
    if (request === undefined) return;
    const { plan, hash } = request;
    let judged = await judgeRequest(request, state, { machine, daemon: daemonVersion });
    if (judged === 'start') {
      const id = idOf(request);
      if (started.has(id.hash)) return;
      started.add(id.hash);
      log.info('a plan asks for an upgrade', { plan, version: request.version, from: request.from });
      const kind = request.kind === 'daemon' ? ['--daemon'] : ['--reboot'];
      try {
        await startTool([...kind, '--plan', `${id.plan}=${id.hash}`, request.from, ...(request.options ?? [])]);
        judged = { state: 'working', text: 'started' };
      } catch (error) {
        judged = { state: 'failed', text: `the upgrade could not be started: ${messageOf(error)}` };
      }
    }
    const report: UpgradeReport = { plan, hash, ...judged };
    if (JSON.stringify(reportOf(node)) !== JSON.stringify(report))
      await patch({ annotations: { [statusAnnotation]: JSON.stringify(report) } });
  };

  const look = async (): Promise<void> => {
    const node = informers.informer(nodes).get(nodeName);
    if (node === undefined || stopped) return;
    try {
      const machine = await machineVersion();
      await tellOutcome(node, machine);
      await answer(informers.informer(nodes).get(nodeName) ?? node, machine);
    } catch (error) {
      log.warn('the node could not say how its upgrade goes', { error: messageOf(error) });
      wake(10_000);
    }
  };

  const wake = (afterMs: number): void => {
    clearTimeout(timer);
    if (stopped) return;
    timer = setTimeout(() => {
      working = working.then(look);
    }, afterMs);
    timer.unref();
  };

  return {
    name: 'upgrades',
    async start() {
      await mkdir(state.folder, { recursive: true, mode: 0o700 });
      watcher = watch(state.folder, () => wake(200));
      watcher.on('error', (error) => log.warn('upgrades are no longer watched', { error: messageOf(error) }));
      const own = (node: Node): void => {
        if (node.metadata.name === nodeName) wake(50);
      };
      informers.informer(nodes).addHandler({
        add: own,
        update(node, old) {
          if (JSON.stringify(node.metadata.annotations) !== JSON.stringify(old.metadata.annotations)) own(node);
        },
      });
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      watcher?.close();
      await working;
    },
  };
}
