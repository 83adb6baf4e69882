import type { Container, Probe } from '../../api/gen/core-v1.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import { containersOf, type NodePod } from '../pod/pod.ts';
import type { Health } from '../status/generate.ts';
import { newest, type PodView } from '../worker/pod-view.ts';
import { type ProbeResult, runProbe } from './probe.ts';

export type ProbeKind = 'startup' | 'readiness' | 'liveness';

/**
 * Probes the running containers of all pods on their own timers. A verdict changes only after as many equal results in a
 * row as the probe asks for; `changed` is called when one does. Liveness and readiness wait for startup.
 */
export interface Prober {
  /** Follows the pod's containers: starts probes of what runs now, ends those of what does not. */
  sync(pod: NodePod, view: PodView, podIP: string): void;
  /** The last verdict; undefined before the first. */
  verdict(kind: ProbeKind, containerId: string): boolean | undefined;
  health(container: Container, containerId: string): Health;
  /** Only readiness goes on while a pod ends. */
  stopForTermination(podUid: string): void;
  forget(podUid: string): void;
  readonly results: ReadonlyMap<string, number>;
}

interface Worker {
  kind: ProbeKind;
  podUid: string;
  containerId: string;
  verdict: boolean | undefined;
  stop(): void;
  /** Probes now instead of at the next tick. */
  kick(): void;
}

export interface ProberOptions {
  runtime: ContainerRuntime;
  userAgent: string;
  changed: (podUid: string) => void;
  event: (pod: NodePod, containerName: string, type: 'Warning', reason: string, message: string) => void;
  now?: () => number;
}

const titles: Record<ProbeKind, string> = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' };
const probeOf = (container: Container, kind: ProbeKind): Probe | undefined => container[`${kind}Probe`];

export function createProber(options: ProberOptions): Prober {
  const { runtime, userAgent, changed, event, now = Date.now } = options;
  const workers = new Map<string, Worker>();
  const pods = new Map<string, NodePod>();
  const results = new Map<string, number>();
  const keyOf = (kind: ProbeKind, containerId: string): string => `${kind}/${containerId}`;

  const verdict = (kind: ProbeKind, containerId: string): boolean | undefined =>
    workers.get(keyOf(kind, containerId))?.verdict;

  const start = (
    kind: ProbeKind,
    probe: Probe,
    at: { podUid: string; container: Container; containerId: string; podIP: string; startedAt: number },
    initial: boolean | undefined,
  ): Worker => {
    const { podUid, container, containerId, podIP } = at;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    let run = 0;
    let lastGood: boolean | undefined;
    const worker: Worker = {
      kind,
      podUid,
      containerId,
      verdict: initial,
      stop() {
        stopped = true;
        clearTimeout(timer);
      },
      kick() {
        clearTimeout(timer);
        schedule(0);
      },
    };
    const schedule = (ms: number): void => {
      if (!stopped) timer = setTimeout(() => void once(), ms);
    };
    const settle = (result: ProbeResult): void => {
      const pod = pods.get(podUid);
      const label = `${kind}\0${result.outcome}`;
      results.set(label, (results.get(label) ?? 0) + 1);
      if (result.outcome !== 'success' && pod) {
        const title = titles[kind];
        if (result.outcome === 'warning')
          event(pod, container.name, 'Warning', 'ProbeWarning', `${title} probe warning: ${result.message}`);
        else {
          const what = result.outcome === 'unknown' ? 'errored and resulted in unknown state' : 'failed';
          event(pod, container.name, 'Warning', 'Unhealthy', `${title} probe ${what}: ${result.message}`);
        }
      }
      if (result.outcome === 'unknown') return;
      const good = result.outcome !== 'failure';
      run = lastGood === good ? run + 1 : 1;
      lastGood = good;
      const needed = good ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
      if (run < needed || worker.verdict === good) return;
      worker.verdict = good;
      changed(podUid);
      if (kind === 'startup' && good) {
        workers.get(keyOf('readiness', containerId))?.kick();
        workers.get(keyOf('liveness', containerId))?.kick();
      }
      // What failed to start or to live is being replaced, what has started has no more to say.
      if (kind === 'startup' || (kind === 'liveness' && !good)) worker.stop();
    };
    const once = async (): Promise<void> => {
      const waitsForStartup = kind !== 'startup' && container.startupProbe && verdict('startup', containerId) !== true;
      if (!waitsForStartup) {
        const target = { container, containerId, podIP };
        // As upstream, a failed attempt is tried up to three times before it counts when the probe itself errs.
        let result = await runProbe({ runtime, probe, target, userAgent });
        for (let again = 0; result.outcome === 'unknown' && again < 2 && !stopped; again++)
          result = await runProbe({ runtime, probe, target, userAgent });
        if (stopped) return;
        // A program that does not listen yet costs its pod no whole period: it is asked again soon, off the record.
        const early = kind !== 'liveness' && worker.verdict === undefined && now() - at.startedAt < periodMs;
        if (early && result.outcome === 'failure' && result.message.includes('connection refused')) {
          quietMs = Math.min(1000, quietMs * 2);
          return schedule(quietMs);
        }
        settle(result);
      }
      schedule(periodMs);
    };
    let quietMs = 25;
    const firstMs = Math.max(0, (probe.initialDelaySeconds ?? 0) * 1000 - (now() - at.startedAt));
    schedule(firstMs);
    return worker;
  };

  return {
    verdict,
    results,
    sync(pod, view, podIP) {
      const { uid } = pod.metadata;
      pods.set(uid, pod);
      const alive = new Set<string>();
      for (const item of containersOf(pod)) {
        if (item.kind === 'ephemeral' || (item.kind === 'init' && !item.sidecar)) continue;
        const { container } = item;
        const current = newest(view, container.name);
        if (current?.state !== 'CONTAINER_RUNNING') continue;
        for (const kind of ['startup', 'readiness', 'liveness'] as const) {
          const probe = probeOf(container, kind);
          if (!probe) continue;
          const key = keyOf(kind, current.id);
          alive.add(key);
          if (workers.has(key) || pod.metadata.deletionTimestamp) continue;
          // A container that was known healthy before this process began stays so until a probe says otherwise.
          const before = pod.status?.containerStatuses?.find((s) => s.containerID?.endsWith(current.id));
          const initial =
            kind === 'liveness' ? true : kind === 'startup' ? before?.started || undefined : before?.ready || undefined;
          const at = { podUid: uid, container, containerId: current.id, podIP, startedAt: current.startedAt / 1e6 };
          const worker = start(kind, probe, at, initial);
          workers.set(key, worker);
          if (kind === 'startup' && initial) worker.stop();
        }
      }
      for (const [key, worker] of workers)
        if (worker.podUid === uid && !alive.has(key)) {
          worker.stop();
          workers.delete(key);
        }
    },
    health(container, containerId) {
      const started = container.startupProbe ? verdict('startup', containerId) === true : true;
      const ready = container.readinessProbe ? verdict('readiness', containerId) === true : true;
      return { started, ready };
    },
    stopForTermination(podUid) {
      for (const worker of workers.values()) if (worker.podUid === podUid && worker.kind !== 'readiness') worker.stop();
    },
    forget(podUid) {
      pods.delete(podUid);
      for (const [key, worker] of workers)
        if (worker.podUid === podUid) {
          worker.stop();
          workers.delete(key);
        }
    },
  };
}
