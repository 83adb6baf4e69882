import type { Pod, PodCondition } from '../../api/gen/core-v1.ts';
import { timeOf } from './time.ts';

export const isTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
export const isActive = (pod: Pod): boolean => !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
export const isTerminating = (pod: Pod): boolean => !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;

export function readyCondition(pod: Pod): PodCondition | undefined {
  return pod.status?.conditions?.find((c) => c.type === 'Ready');
}

export const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True';

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  const ready = readyCondition(pod);
  if (ready?.status !== 'True') return false;
  return minReadySeconds === 0 || timeOf(ready.lastTransitionTime) + minReadySeconds * 1000 <= now;
}

/** Milliseconds until the next pod that is ready becomes available; undefined when none will by waiting alone. */
export function nextAvailableMs(pods: readonly Pod[], minReadySeconds: number, now: number): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const waits = pods
    .filter((p) => isReady(p) && !isAvailable(p, minReadySeconds, now))
    .map((p) => timeOf(readyCondition(p)?.lastTransitionTime) + minReadySeconds * 1000 - now);
  return waits.length === 0 ? undefined : Math.max(1, Math.min(...waits));
}

const phaseRank: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((c) => c.restartCount));
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}

const logAge = (at: number, now: number): number => (now > at ? Math.floor(Math.log2((now - at) * 1e6)) : -1);

/**
 * Which pod a controller parts with first, after upstream's `ActivePodsWithRanks`: unassigned, pending, not ready,
 * cheap to delete, crowded on its node, ready for a short time, often restarted, young.
 */
export function compareForDeletion(now: number, rank: (pod: Pod) => number): (a: Pod, b: Pod) => number {
  return (a, b) => {
    if (Boolean(a.spec?.nodeName) !== Boolean(b.spec?.nodeName)) return a.spec?.nodeName ? 1 : -1;
    const phase = (phaseRank[a.status?.phase ?? 'Pending'] ?? 0) - (phaseRank[b.status?.phase ?? 'Pending'] ?? 0);
    if (phase !== 0) return phase;
    if (isReady(a) !== isReady(b)) return isReady(a) ? 1 : -1;
    const cost = deletionCost(a) - deletionCost(b);
    if (cost !== 0) return cost;
    const crowd = rank(b) - rank(a);
    if (crowd !== 0) return crowd;
    const readyA = timeOf(readyCondition(a)?.lastTransitionTime);
    const readyB = timeOf(readyCondition(b)?.lastTransitionTime);
    if (isReady(a) && readyA !== readyB) {
      const age = logAge(readyA, now) - logAge(readyB, now);
      return age !== 0 ? age : (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1;
    }
    const again = restarts(b) - restarts(a);
    if (again !== 0) return again;
    const age = logAge(timeOf(a.metadata.creationTimestamp), now) - logAge(timeOf(b.metadata.creationTimestamp), now);
    return age !== 0 ? age : (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1;
  };
}
