import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/gen/apps-v1.ts';
import { findCondition, withoutCondition } from '../runtime/conditions.ts';
import { timeOf, timeText } from '../runtime/time.ts';
import { isComplete, maxUnavailable, replicasOf, sumOf } from './replica-sets.ts';

type Conditions = readonly DeploymentCondition[] | undefined;
export type NewCondition = Omit<DeploymentCondition, 'lastTransitionTime' | 'lastUpdateTime'>;

/** Sets a condition unless it is there with this status and reason already: its message and times then stay. */
export function setCondition(conditions: Conditions, next: NewCondition, now: number): DeploymentCondition[] {
  const old = findCondition(conditions, next.type);
  if (old && old.status === next.status && old.reason === next.reason) return [...(conditions ?? [])];
  const at = timeText(now);
  const lastTransitionTime = old && old.status === next.status ? old.lastTransitionTime : at;
  return [...withoutCondition(conditions, next.type), { ...next, lastUpdateTime: at, lastTransitionTime }];
}

export const progressing = (status: string, reason: string, message: string): NewCondition => ({
  type: 'Progressing',
  status,
  reason,
  message,
});

const maxInt32 = 2 ** 31 - 1;
export const hasDeadline = (d: Deployment): boolean => (d.spec?.progressDeadlineSeconds ?? 600) !== maxInt32;
const deadlineMs = (d: Deployment): number => (d.spec?.progressDeadlineSeconds ?? 600) * 1000;

/** Numbers and availability. */
export function baseStatus(
  d: Deployment,
  fresh: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  conditions: Conditions,
  now: number,
): DeploymentStatus {
  const available = sumOf(all, (rs) => rs.status?.availableReplicas);
  const reported = all.every((rs) => rs.status?.terminatingReplicas !== undefined || !rs.status?.observedGeneration);
  const enough = available >= replicasOf(d) - maxUnavailable(d);
  const condition: NewCondition = enough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
  const some = (count: number): number | undefined => (count === 0 ? undefined : count);
  return {
    observedGeneration: d.metadata.generation,
    replicas: some(sumOf(all, (rs) => rs.status?.replicas)),
    updatedReplicas: some(fresh?.status?.replicas ?? 0),
    readyReplicas: some(sumOf(all, (rs) => rs.status?.readyReplicas)),
    availableReplicas: some(available),
    unavailableReplicas: some(Math.max(0, sumOf(all, replicasOf) - available)),
    terminatingReplicas: reported ? sumOf(all, (rs) => rs.status?.terminatingReplicas) : undefined,
    collisionCount: d.status?.collisionCount,
    conditions: setCondition(conditions, condition, now),
  };
}

function madeProgress(old: DeploymentStatus | undefined, next: DeploymentStatus): boolean {
  const count = (value: number | undefined): number => value ?? 0;
  const outdated = (s: DeploymentStatus | undefined): number => count(s?.replicas) - count(s?.updatedReplicas);
  return (
    count(next.updatedReplicas) > count(old?.updatedReplicas) ||
    outdated(next) < outdated(old) ||
    count(next.readyReplicas) > count(old?.readyReplicas) ||
    count(next.availableReplicas) > count(old?.availableReplicas)
  );
}

function timedOut(d: Deployment, conditions: Conditions, now: number): boolean {
  const known = findCondition(conditions, 'Progressing');
  if (!known || known.reason === 'NewReplicaSetAvailable') return false;
  if (known.reason === 'ProgressDeadlineExceeded') return true;
  return timeOf(known.lastUpdateTime) + deadlineMs(d) < now;
}

/** The status while a roll-out may be under way: with what is known of its progress and failures. */
export function rolloutStatus(
  d: Deployment,
  fresh: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  before: Conditions,
  now: number,
): DeploymentStatus {
  const status = baseStatus(d, fresh, all, before, now);
  let conditions: DeploymentCondition[] = status.conditions ?? [];
  const known = findCondition(before, 'Progressing');
  const subject = fresh ? `ReplicaSet "${fresh.metadata.name}"` : `Deployment "${d.metadata.name}"`;
  const settled =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && known?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(d)) {
    conditions = withoutCondition(conditions, 'Progressing');
  } else if (!settled) {
    if (isComplete(d, status)) {
      const done = progressing('True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
      conditions = setCondition(conditions, done, now);
    } else if (madeProgress(d.status, status)) {
      const at = timeText(now);
      const lastTransitionTime = known?.status === 'True' ? known.lastTransitionTime : at;
      const moving = progressing('True', 'ReplicaSetUpdated', `${subject} is progressing.`);
      conditions = [
        ...withoutCondition(conditions, 'Progressing'),
        { ...moving, lastUpdateTime: at, lastTransitionTime },
      ];
    } else if (timedOut(d, conditions, now)) {
      const late = progressing('False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`);
      conditions = setCondition(conditions, late, now);
    }
  }
  const failure = [fresh, ...all]
    .flatMap((rs) => rs?.status?.conditions ?? [])
    .find((c) => c.type === 'ReplicaFailure');
  conditions = failure
    ? setCondition(
        conditions,
        { type: 'ReplicaFailure', status: failure.status, reason: failure.reason, message: failure.message },
        now,
      )
    : withoutCondition(conditions, 'ReplicaFailure');
  return { ...status, conditions };
}

/** When to look again whether the roll-out is stuck. */
export function progressCheckMs(d: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const known = findCondition(status.conditions, 'Progressing');
  if (!hasDeadline(d) || !known || d.spec?.paused) return undefined;
  if (isComplete(d, status) || known.reason === 'ProgressDeadlineExceeded') return undefined;
  if (known.reason === 'NewReplicaSetAvailable') return undefined;
  return Math.max(1000, timeOf(known.lastUpdateTime) + deadlineMs(d) - now + 1000);
}
