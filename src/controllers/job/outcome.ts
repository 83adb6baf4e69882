import type { Job, JobCondition } from '../../api/gen/batch-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { timeOf } from '../runtime/time.ts';
import { successPolicyMet } from './policy.ts';
import { isIndexed, type JobState } from './state.ts';

export interface Verdict {
  type: 'SuccessCriteriaMet' | 'FailureTarget';
  reason: string;
  message: string;
}

const has = (job: Job, type: string): JobCondition | undefined =>
  job.status?.conditions?.find((c) => c.type === type && c.status === 'True');

function restartsOf(pods: readonly Pod[]): number {
  const statuses = (p: Pod): { restartCount: number }[] => [
    ...(p.status?.initContainerStatuses ?? []),
    ...(p.status?.containerStatuses ?? []),
  ];
  return pods.flatMap(statuses).reduce((sum, s) => sum + s.restartCount, 0);
}

function restartedTooOften({ job, active }: JobState, limit: number): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = restartsOf(active.filter((p) => p.status?.phase === 'Running' || p.status?.phase === 'Pending'));
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Milliseconds until the job's deadline; undefined without one. */
export function deadlineMs(job: Job, now: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  if (seconds === undefined || !job.status?.startTime || job.spec?.suspend) return undefined;
  return timeOf(job.status.startTime) + seconds * 1000 - now;
}

/** Whether the job is decided, and how. What was decided once stays. */
export function judgeJob(state: JobState, now: number): Verdict | undefined {
  const { job } = state;
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const known = has(job, type);
    if (known) return { type, reason: known.reason ?? '', message: known.message ?? '' };
  }
  const fail = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });
  if (state.failJob !== undefined) return fail('PodFailurePolicy', state.failJob);
  const limit = job.spec?.backoffLimit ?? 6;
  if (state.failed > limit || restartedTooOften(state, limit)) {
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const left = deadlineMs(job, now);
  if (left !== undefined && left <= 0) return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
  const completions = job.spec?.completions;
  if (isIndexed(job) && completions !== undefined) {
    const policy = successPolicyMet(job, state.completedIndexes);
    if (policy !== undefined) return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: policy };
    const failed = state.failedIndexes.size;
    if (job.spec?.maxFailedIndexes !== undefined && failed > job.spec.maxFailedIndexes) {
      return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
    }
    if (failed > 0 && failed + state.completedIndexes.size >= completions) {
      return fail('FailedIndexes', 'Job has failed indexes');
    }
  }
  const complete =
    completions === undefined
      ? state.succeeded > 0 && state.active.length === 0
      : state.succeeded >= completions && (state.active.length === 0 || completions > 0);
  if (!complete) return undefined;
  return {
    type: 'SuccessCriteriaMet',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  };
}
