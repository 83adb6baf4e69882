import type { Pod } from '../../api/gen/core-v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/gen/policy-v1.ts';
import { scaledValue } from '../../api/int-or-string.ts';
import { isReady, isTerminal } from '../runtime/pods.ts';
import { timeOf, timeText } from '../runtime/time.ts';

/** An eviction that was allowed and has not happened after this long is counted no more. */
export const disruptedForMs = 120_000;

/** How many pods there should be, and how many of them healthy. `scale`: what the pods' controllers ask for together. */
export function expectations(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  scale: number,
): { expected: number; desired: number } {
  const { maxUnavailable, minAvailable } = budget.spec ?? {};
  if (maxUnavailable !== undefined) {
    return { expected: scale, desired: Math.max(0, scale - scaledValue(maxUnavailable, scale, true)) };
  }
  if (typeof minAvailable === 'number') return { expected: pods.length, desired: minAvailable };
  if (minAvailable !== undefined) return { expected: scale, desired: scaledValue(minAvailable, scale, true) };
  return { expected: 0, desired: 0 };
}

/** Evictions granted that are still to be seen. */
function stillDisrupted(budget: PodDisruptionBudget, pods: readonly Pod[], now: number): Record<string, string> {
  const known = budget.status?.disruptedPods ?? {};
  const found: Record<string, string> = {};
  for (const pod of pods) {
    const name = pod.metadata.name ?? '';
    const at = known[name];
    if (pod.metadata.deletionTimestamp !== undefined || at === undefined) continue;
    if (timeOf(at) + disruptedForMs > now) found[name] = at;
  }
  return found;
}

export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  scale: number,
  now: number,
): PodDisruptionBudgetStatus {
  const { expected, desired } = expectations(budget, pods, scale);
  const disruptedPods = stillDisrupted(budget, pods, now);
  const healthy = pods.filter(
    (p) =>
      p.metadata.deletionTimestamp === undefined &&
      disruptedPods[p.metadata.name ?? ''] === undefined &&
      !isTerminal(p) &&
      isReady(p),
  ).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const old = budget.status?.conditions?.find((c) => c.type === 'DisruptionAllowed');
  const status = allowed > 0 ? 'True' : 'False';
  const condition = {
    type: 'DisruptionAllowed',
    status,
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: budget.metadata.generation,
    lastTransitionTime: old?.status === status ? old.lastTransitionTime : timeText(now),
  };
  return {
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    disruptionsAllowed: allowed,
    disruptedPods: Object.keys(disruptedPods).length === 0 ? undefined : disruptedPods,
    observedGeneration: budget.metadata.generation,
    conditions: [...(budget.status?.conditions ?? []).filter((c) => c !== old), condition],
  };
}
