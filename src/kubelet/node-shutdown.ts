import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { ShutdownWatch } from '../host/shutdown.ts';
import type { NodePod } from './pod/pod.ts';
import type { Verdict } from './status/generate.ts';

/** How long pods of at least that priority (and below the next) have to end. */
export interface ShutdownPeriod {
  readonly priority: number;
  readonly seconds: number;
}

export interface ShutdownSettings {
  /** For all pods together; the critical ones have the last part of it, after the others. */
  readonly graceMs?: number;
  readonly criticalMs?: number;
  /** In place of both. */
  readonly byPriority?: readonly ShutdownPeriod[];
}

/** Ends the pods of a machine that is being switched off, while it waits. Upstream: `pkg/kubelet/nodeshutdown`. */
export interface NodeShutdown {
  /** Takes logind's lock. What keeps it from that is logged: the node works without. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Whether the machine is on its way down: the node is not ready then, and takes no pods. */
  shuttingDown(): boolean;
  /** Why a pod is not taken; undefined while nothing is switched off. */
  refusal(): Verdict | undefined;
}

export interface NodeShutdownOptions {
  settings: ShutdownSettings;
  watch: ShutdownWatch;
  /** Pods that run; `end` resolves when nothing of the pod runs any more. */
  pods(): readonly { readonly pod: NodePod; end(verdict: Verdict, graceSeconds: number): Promise<void> }[];
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** The node's state is another. */
  changed(): void;
  log: Logger;
}

const systemCritical = 2_000_000_000;
const retryMs = 10_000;

const verdict: Verdict = {
  phase: 'Failed',
  reason: 'Terminated',
  message: 'Pod was terminated in response to imminent node shutdown.',
  disruption: true,
};

/** The periods from the lowest priority to the highest; none where no time is given. */
export function shutdownPeriods({ graceMs = 0, criticalMs = 0, byPriority = [] }: ShutdownSettings): ShutdownPeriod[] {
  if (byPriority.length > 0) return [...byPriority].sort((a, b) => a.priority - b.priority);
  if (graceMs <= 0 || criticalMs > graceMs) return [];
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  return [
    { priority: 0, seconds: seconds(graceMs - criticalMs) },
    { priority: systemCritical, seconds: seconds(criticalMs) },
  ];
}

/** Pods with each period: a pod belongs to the highest that is not above it, or to the lowest. */
export function byPeriod<T extends { readonly pod: NodePod }>(
  periods: readonly ShutdownPeriod[],
  pods: readonly T[],
): { period: ShutdownPeriod; pods: T[] }[] {
  const groups = periods.map((period) => ({ period, pods: [] as T[] }));
  for (const item of pods) {
    const priority = item.pod.spec.priority ?? 0;
    const group = groups.findLast(({ period }) => period.priority <= priority) ?? groups[0];
    group?.pods.push(item);
  }
  return groups;
}

export function createNodeShutdown(options: NodeShutdownOptions): NodeShutdown {
  const { watch, event, changed, log } = options;
  const periods = shutdownPeriods(options.settings);
  const totalMs = periods.reduce((sum, { seconds }) => sum + seconds * 1000, 0);
  let down = false;
  let stopped = false;
  let forget: (() => void) | undefined;
  let retry: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();

  const hold = (): Promise<void> => watch.hold('pods end before the machine does');

  const endAll = async (): Promise<void> => {
    for (const { period, pods } of byPeriod(periods, options.pods())) {
      if (pods.length === 0) continue;
      log.info('pods end for the shutdown', { pods: pods.length, seconds: period.seconds, priority: period.priority });
      const ends = pods.map(({ pod, end }) =>
        end(verdict, Math.min(pod.spec.terminationGracePeriodSeconds ?? period.seconds, period.seconds)).catch(
          (error: unknown) => log.warn('a pod does not end', { pod: pod.metadata.name, error: messageOf(error) }),
        ),
      );
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          log.warn('not all pods ended in their time', { seconds: period.seconds });
          resolve();
        }, period.seconds * 1000);
      });
      await Promise.race([Promise.all(ends), limit]);
      clearTimeout(timer);
    }
  };
  const change = async (shuttingDown: boolean): Promise<void> => {
    down = shuttingDown;
    event(
      'Normal',
      'NodeShutdown',
      shuttingDown ? 'Shutdown manager detected shutdown event' : 'Shutdown manager detected shutdown cancellation',
    );
    changed();
    try {
      if (shuttingDown) await endAll();
      else await hold();
    } finally {
      if (shuttingDown) await watch.release();
    }
  };

  const begin = async (): Promise<void> => {
    try {
      await watch.allow(totalMs);
      await hold();
      forget ??= await watch.onChange((shuttingDown) => {
        working = working
          .then(() => change(shuttingDown))
          .catch((error: unknown) => log.error('the shutdown is not waited for', { error: messageOf(error) }));
      });
      log.info('a shutdown waits for pods', { seconds: totalMs / 1000 });
    } catch (error) {
      if (stopped) return;
      log.error('a shutdown will not wait for pods; it is tried again', { error: messageOf(error) });
      retry = setTimeout(() => void begin(), retryMs);
      retry.unref();
    }
  };

  return {
    async start() {
      if (totalMs > 0) await begin();
    },
    async stop() {
      stopped = true;
      clearTimeout(retry);
      forget?.();
      // While the machine goes down, our own end waits for the pods'.
      if (down) await working;
      await watch.release();
      watch.close();
    },
    shuttingDown: () => down,
    refusal: () =>
      down
        ? {
            phase: 'Failed',
            reason: 'NodeShutdown',
            message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
          }
        : undefined,
  };
}
