import type { StatefulSet, StatefulSetStatus } from '../../api/gen/apps-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { scaledValue } from '../../api/int-or-string.ts';
import { isAvailable, isReady } from '../runtime/pods.ts';
import { ordinalOf, revisionOf } from './identity.ts';

/** What to do next. In order, one pod at a time, unless the set's policy is Parallel. */
export interface StatefulPlan {
  create: { ordinal: number; revision: string }[];
  /** Finished pods of a replica: replaced under the same name. */
  recreate: Pod[];
  remove: Pod[];
}

export interface StatefulInput {
  set: StatefulSet;
  pods: readonly Pod[];
  /** Names of the revisions. */
  current: string;
  update: string;
  now: number;
}

const isGoing = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
const hasEnded = (pod: Pod): boolean => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
const minReady = (set: StatefulSet): number => set.spec?.minReadySeconds ?? 0;

export function startOf(set: StatefulSet): number {
  return set.spec?.ordinals?.start ?? 0;
}

function sorted({ set, pods }: StatefulInput): { replicas: Map<number, Pod>; condemned: Pod[] } {
  const start = startOf(set);
  const end = start + (set.spec?.replicas ?? 1);
  const replicas = new Map<number, Pod>();
  const condemned: Pod[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    if (ordinal >= start && ordinal < end) replicas.set(ordinal, pod);
    else condemned.push(pod);
  }
  condemned.sort((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0));
  return { replicas, condemned };
}

/** New pods below the partition, or while the old revision is not used up, are of the old revision. */
function revisionFor({ set, current, update }: StatefulInput, ordinal: number): string {
  const strategy = set.spec?.updateStrategy;
  if (strategy?.type === 'OnDelete') return update;
  const partition = strategy?.rollingUpdate?.partition;
  const kept = partition ?? set.status?.currentReplicas ?? 0;
  return ordinal < startOf(set) + kept ? current : update;
}

export function planStatefulSet(input: StatefulInput): StatefulPlan {
  const { set, now } = input;
  const plan: StatefulPlan = { create: [], recreate: [], remove: [] };
  const { replicas, condemned } = sorted(input);
  const ordered = set.spec?.podManagementPolicy !== 'Parallel';
  const start = startOf(set);
  const count = set.spec?.replicas ?? 1;
  const available = (pod: Pod): boolean => !isGoing(pod) && isAvailable(pod, minReady(set), now);

  for (let ordinal = start; ordinal < start + count; ordinal++) {
    const pod = replicas.get(ordinal);
    if (!pod) {
      plan.create.push({ ordinal, revision: revisionFor(input, ordinal) });
      if (ordered) return plan;
    } else if (hasEnded(pod)) {
      if (!isGoing(pod)) plan.recreate.push(pod);
      if (ordered) return plan;
    } else if (ordered && !available(pod)) {
      return plan;
    }
  }
  if (plan.create.length + plan.recreate.length > 0) return plan;

  for (const pod of condemned) {
    if (isGoing(pod)) {
      if (ordered) return plan;
      continue;
    }
    plan.remove.push(pod);
    if (ordered) return plan;
  }
  if (plan.remove.length > 0 || set.spec?.updateStrategy?.type === 'OnDelete') return plan;
  plan.remove.push(...outdated(input, replicas, available));
  return plan;
}

/** The highest pods of the old revision, as many as may be unavailable at a time. */
function outdated(
  { set, update }: StatefulInput,
  replicas: ReadonlyMap<number, Pod>,
  available: (pod: Pod) => boolean,
): Pod[] {
  const start = startOf(set);
  const count = set.spec?.replicas ?? 1;
  const rolling = set.spec?.updateStrategy?.rollingUpdate;
  const limit = Math.max(1, scaledValue(rolling?.maxUnavailable ?? 1, count, false));
  const lowest = start + (rolling?.partition ?? 0);
  let unavailable = [...replicas.values()].filter((p) => !available(p)).length;
  const found: Pod[] = [];
  for (let ordinal = start + count - 1; ordinal >= lowest; ordinal--) {
    const pod = replicas.get(ordinal);
    if (!pod || revisionOf(pod) === update || isGoing(pod)) continue;
    if (available(pod)) {
      if (unavailable >= limit) break;
      unavailable += 1;
    }
    found.push(pod);
    if (found.length >= limit) break;
  }
  return found;
}

export function statefulStatus(input: StatefulInput, collisionCount: number | undefined): StatefulSetStatus {
  const { set, pods, current, update, now } = input;
  const own = pods.filter((p) => ordinalOf(set, p) !== undefined);
  const live = own.filter((p) => !isGoing(p));
  const ready = own.filter((p) => p.status?.phase === 'Running' && isReady(p));
  const some = (count: number): number | undefined => (count === 0 ? undefined : count);
  const replicas = set.spec?.replicas ?? 1;
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation,
    replicas: own.length,
    readyReplicas: some(ready.length),
    availableReplicas: ready.filter((p) => isAvailable(p, minReady(set), now)).length,
    currentReplicas: some(live.filter((p) => revisionOf(p) === current).length),
    updatedReplicas: some(live.filter((p) => revisionOf(p) === update).length),
    currentRevision: current,
    updateRevision: update,
    collisionCount: collisionCount ?? 0,
    conditions: set.status?.conditions,
  };
  const rolled =
    set.spec?.updateStrategy?.type !== 'OnDelete' &&
    (status.updatedReplicas ?? 0) === replicas &&
    (status.readyReplicas ?? 0) === replicas &&
    status.replicas === replicas;
  return rolled ? { ...status, currentReplicas: status.updatedReplicas, currentRevision: update } : status;
}
