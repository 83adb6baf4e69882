import type { Job, JobCondition, JobStatus } from '../../api/gen/batch-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { controllerOf } from '../runtime/owners.ts';
import { isReady } from '../runtime/pods.ts';
import { formatIndexes, indexOf, parseIndexes } from './indexes.ts';
import { judgeFailure } from './policy.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const failureCount = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredFailures = 'batch.kubernetes.io/job-index-ignored-failure-count';

/** Whether a pod belongs to a job of this name that is not the one there is now (`uid` undefined: there is none). */
export function isLeftBy(pod: Pod, name: string, uid: string | undefined): boolean {
  const owner = controllerOf(pod);
  return owner !== undefined && owner.kind === 'Job' && owner.name === name && owner.uid !== uid;
}

export const isTracked = (pod: Pod): boolean => (pod.metadata.finalizers ?? []).includes(trackingFinalizer);
export const isIndexed = (job: Job): boolean => job.spec?.completionMode === 'Indexed';
export const onlyReplaceFailed = (job: Job): boolean =>
  job.spec?.podReplacementPolicy === 'Failed' || job.spec?.podFailurePolicy !== undefined;

export function isFinished(job: Job): JobCondition | undefined {
  return job.status?.conditions?.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True');
}

/** A pod that is going away may never reach the phase Failed: it counts as failed, unless replacements wait for that. */
export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (onlyReplaceFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** A job and its pods, sorted out. */
export interface JobState {
  readonly job: Job;
  readonly active: readonly Pod[];
  readonly terminating: number;
  readonly ready: number;
  /** Counts with what is still to be counted. */
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  /** The status with finished pods entered as uncounted, or moved from there to the counts. */
  readonly status: JobStatus;
  /** Pods entered as uncounted whose finalizer can go once the status is written. */
  readonly release: readonly Pod[];
  /** Failed pods that were not counted before. */
  readonly newlyFailed: readonly Pod[];
  readonly newlySucceeded: number;
  /** The message of a failure policy rule that fails the job. */
  readonly failJob: string | undefined;
}

/** Whether the failure of this pod is the end of its index. */
function endsIndex(job: Job, pod: Pod, action: string): boolean {
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit === undefined) return false;
  return action === 'FailIndex' || Number(pod.metadata.annotations?.[failureCount] ?? 0) >= limit;
}

export function jobState(job: Job, pods: readonly Pod[], beingDeleted: (pod: Pod) => boolean): JobState {
  const old = job.status ?? {};
  const completions = job.spec?.completions ?? 0;
  const indexed = isIndexed(job);
  const byUid = new Map(pods.map((p) => [p.metadata.uid ?? '', p]));
  const waiting = (uids: readonly string[] | undefined): string[] =>
    (uids ?? []).filter((uid) => {
      const pod = byUid.get(uid);
      return pod !== undefined && isTracked(pod);
    });
  const uncountedSucceeded = waiting(old.uncountedTerminatedPods?.succeeded);
  const uncountedFailed = waiting(old.uncountedTerminatedPods?.failed);
  const settledSucceeded = (old.uncountedTerminatedPods?.succeeded ?? []).length - uncountedSucceeded.length;
  const settledFailed = (old.uncountedTerminatedPods?.failed ?? []).length - uncountedFailed.length;
  const completedIndexes = parseIndexes(old.completedIndexes, completions);
  const failedIndexes = parseIndexes(old.failedIndexes, completions);
  const known = new Set([...uncountedSucceeded, ...uncountedFailed]);
  const release: Pod[] = pods.filter((p) => known.has(p.metadata.uid ?? ''));
  const newlyFailed: Pod[] = [];
  let countedSucceeded = (old.succeeded ?? 0) + settledSucceeded;
  let newlySucceeded = 0;
  let failJob: string | undefined;

  for (const pod of pods) {
    const uid = pod.metadata.uid ?? '';
    const index = indexed ? indexOf(pod, completions) : undefined;
    if (!isTracked(pod) || known.has(uid)) continue;
    if (pod.status?.phase === 'Succeeded') {
      release.push(pod);
      if (indexed) {
        if (index === undefined || completedIndexes.has(index)) continue;
        completedIndexes.add(index);
        failedIndexes.delete(index);
      } else {
        uncountedSucceeded.push(uid);
      }
      newlySucceeded += 1;
    } else if (hasFailed(job, pod)) {
      const verdict = pod.status?.phase === 'Failed' ? judgeFailure(job, pod) : ({ action: 'Count' } as const);
      if (verdict.action === 'FailJob') failJob ??= verdict.message;
      release.push(pod);
      if (verdict.action === 'Ignore') continue;
      if (index !== undefined && endsIndex(job, pod, verdict.action)) failedIndexes.add(index);
      newlyFailed.push(pod);
      uncountedFailed.push(uid);
    }
  }
  if (indexed) countedSucceeded = completedIndexes.size;
  const countedFailed = (old.failed ?? 0) + settledFailed;
  const live = pods.filter((p) => p.status?.phase !== 'Succeeded' && p.status?.phase !== 'Failed');
  const going = (p: Pod): boolean => p.metadata.deletionTimestamp !== undefined || beingDeleted(p);
  const active = live.filter((p) => !going(p));
  const terminating = live.filter(going).length;
  const ready = active.filter(isReady).length;
  const some = (count: number): number | undefined => (count === 0 ? undefined : count);
  const uncounted = {
    ...(uncountedSucceeded.length > 0 ? { succeeded: uncountedSucceeded } : {}),
    ...(uncountedFailed.length > 0 ? { failed: uncountedFailed } : {}),
  };
  return {
    job,
    active,
    terminating,
    ready,
    succeeded: indexed ? completedIndexes.size : countedSucceeded + uncountedSucceeded.length,
    failed: countedFailed + uncountedFailed.length,
    completedIndexes,
    failedIndexes,
    status: {
      ...old,
      active: some(active.length),
      ready,
      terminating,
      succeeded: some(countedSucceeded),
      failed: some(countedFailed),
      completedIndexes: completedIndexes.size === 0 ? undefined : formatIndexes(completedIndexes),
      failedIndexes: job.spec?.backoffLimitPerIndex === undefined ? undefined : formatIndexes(failedIndexes),
      uncountedTerminatedPods: uncounted,
    },
    release,
    newlyFailed,
    newlySucceeded,
    failJob,
  };
}
