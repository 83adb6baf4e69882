import type { Pod } from '../../api/gen/core-v1.ts';
import { podResources } from '../../api/pod-resources.ts';
import { quantityMilliValue } from '../../api/quantity.ts';
import { findCondition } from '../runtime/conditions.ts';
import { isReady } from '../runtime/pods.ts';
import { timeOf } from '../runtime/time.ts';

/** What one pod used of something, in thousandths, as measured over the `windowMs` before `at`. */
export interface PodUsage {
  readonly value: number;
  readonly at: number;
  readonly windowMs: number;
}

/** How far from 1 the ratio of use to target may be without anything being done about it. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

/** Processors are busy while a pod starts: what it used within this time after its start counts only once it is ready. */
const startUpMs = 5 * 60_000;
/** A pod that became unready so soon after its start has never been ready. */
const firstReadinessMs = 30_000;

const within = (ratio: number, { up, down }: Tolerances): boolean => ratio >= 1 - down && ratio <= 1 + up;

function isStarting(pod: Pod, usage: PodUsage, now: number): boolean {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  const started = timeOf(pod.status?.startTime);
  if (!ready || Number.isNaN(started)) return true;
  const changed = timeOf(ready.lastTransitionTime);
  if (started + startUpMs > now) return ready.status === 'False' || usage.at < changed + usage.windowMs;
  return ready.status === 'False' && started + firstReadinessMs > changed;
}

interface Groups {
  ready: number;
  readonly unready: string[];
  readonly missing: string[];
  /** Of the pods that count. */
  readonly values: Map<string, number>;
}

function groupPods(pods: readonly Pod[], usage: ReadonlyMap<string, PodUsage>, isCpu: boolean, now: number): Groups {
  const groups: Groups = { ready: 0, unready: [], missing: [], values: new Map() };
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata;
    const phase = pod.status?.phase;
    if (deletionTimestamp !== undefined || phase === 'Failed') continue;
    const own = usage.get(name);
    if (phase === 'Pending') groups.unready.push(name);
    else if (own === undefined) groups.missing.push(name);
    else if (isCpu && isStarting(pod, own, now)) groups.unready.push(name);
    else {
      groups.ready++;
      groups.values.set(name, own.value);
    }
  }
  return groups;
}

export interface FromPods {
  readonly pods: readonly Pod[];
  readonly usage: ReadonlyMap<string, PodUsage>;
  readonly resource: string;
  readonly replicas: number;
  readonly tolerances: Tolerances;
  readonly now: number;
  /** Use in relation to the target. */
  ratio(values: ReadonlyMap<string, number>): number;
  /** What a pod without a measurement is taken to use when there would be fewer pods. */
  assumed(pod: string): number;
}

/**
 * How many pods there should be for the ratio to be 1. Pods that start or tell nothing count against any change: as
 * idle where more pods are asked for, as busy where fewer are. Also gives the measurements that counted.
 */
export function replicasFromPods(options: FromPods): { replicas: number; values: ReadonlyMap<string, number> } {
  const { pods, usage, tolerances, replicas } = options;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { ready, unready, missing, values } = groupPods(pods, usage, options.resource === 'cpu', options.now);
  if (values.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const stay = { replicas, values };
  const ratio = options.ratio(values);
  const upWithUnready = unready.length > 0 && ratio > 1;
  if (!upWithUnready && missing.length === 0)
    return within(ratio, tolerances) ? stay : { replicas: Math.ceil(ratio * ready), values };

  const all = new Map(values);
  if (ratio < 1) for (const name of missing) all.set(name, options.assumed(name));
  if (ratio > 1) for (const name of [...missing, ...unready]) all.set(name, 0);
  const cautious = options.ratio(all);
  if (within(cautious, tolerances) || (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1)) return stay;
  const wanted = Math.ceil(cautious * all.size);
  if ((cautious < 1 && wanted > replicas) || (cautious > 1 && wanted < replicas)) return stay;
  return { replicas: wanted, values };
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

export const averageOf = (values: ReadonlyMap<string, number>): number =>
  Math.trunc(sum(values.values()) / values.size);

/** Use of all pods together in percent of what they request. */
export function utilizationOf(
  values: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
): { percent: number; average: number } {
  const known = [...values].filter(([name]) => requests.has(name));
  const requested = sum(known.map(([name]) => requests.get(name) ?? 0));
  if (requested === 0) throw new Error('no metrics returned matched known pods');
  const used = sum(known.map(([, value]) => value));
  return { percent: Math.trunc((used * 100) / requested), average: Math.trunc(used / known.length) };
}

/** What each pod (or its one container of that name) requests, in thousandths. Throws where a request is missing. */
export function requestsOf(pods: readonly Pod[], container: string, resource: string): Map<string, number> {
  const request = (pod: Pod): number => {
    const name = pod.metadata.name ?? '';
    const { spec } = pod;
    if (container === '' && spec && Object.keys(spec.resources?.requests ?? {}).length > 0) {
      const whole = podResources(spec, 'requests')[resource];
      if (!whole) throw new Error(`missing pod-level request for ${resource} in Pod ${name}`);
      return quantityMilliValue(whole);
    }
    const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
    const counted = [...(spec?.containers ?? []), ...sidecars].filter((c) => container === '' || c.name === container);
    if (container !== '' && counted.length === 0) throw new Error(`container ${container} not found in Pod ${name}`);
    return sum(
      counted.map((c) => {
        const amount = c.resources?.requests?.[resource];
        if (amount === undefined)
          throw new Error(`missing request for ${resource} in container ${c.name} of Pod ${name}`);
        return quantityMilliValue(amount);
      }),
    );
  };
  return new Map(pods.map((pod) => [pod.metadata.name ?? '', request(pod)]));
}

const most = 2 ** 31 - 1;

/** How many pods a value that is no pod's own asks for, by its ratio to the target. */
export function replicasFromRatio(options: {
  ratio: number;
  replicas: number;
  tolerances: Tolerances;
  pods: readonly Pod[];
}): number {
  const { ratio, replicas, tolerances, pods } = options;
  if (replicas === 0) return Math.ceil(ratio);
  if (within(ratio, tolerances)) return replicas;
  if (pods.length === 0)
    throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count');
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length;
  return Math.min(most, Math.ceil(ratio * ready));
}

/** The same for a target per pod. */
export function replicasPerPod(usage: number, target: number, replicas: number, tolerances: Tolerances): number {
  return within(usage / (target * replicas), tolerances) ? replicas : Math.min(most, Math.ceil(usage / target));
}
