import { sameValue } from '../equal.ts';
import type { Job, JobStatus } from '../gen/batch-v1.ts';
import { readIndexes, sharedIndex } from './indexes.ts';
import type { Problems } from './problems.ts';

/**
 * What may be said of a job, by whatever controls it: an end is an end. A rule is asked where what it is about changes.
 * Upstream: `pkg/apis/batch/validation`, `pkg/registry/batch/job`.
 */
export function validateJobStatus(p: Problems, job: Job, old: Job): void {
  const [now, was] = [read(job), read(old)];
  const changed = (...fields: (keyof JobStatus)[]): boolean =>
    fields.some((field) => !sameValue(now.status[field], was.status[field]));
  const turned = (...flags: Flag[]): boolean => flags.some((flag) => now[flag] !== was[flag]);
  validateCounts(p, now.status);
  validateEnds(p, job, now, turned, changed);
  validateIndexSets(p, job, now.status, changed);
  validateRunning(p, job, now, turned, changed);
  validateSuccess(p, job, now);
  validateSteps(p, job, now, was);
}

interface State {
  readonly status: JobStatus;
  readonly Complete: boolean;
  readonly Failed: boolean;
  readonly FailureTarget: boolean;
  readonly SuccessCriteriaMet: boolean;
  readonly Suspended: boolean;
  readonly isFinished: boolean;
}

type Flag = Exclude<keyof State, 'status'>;
type Turned = (...flags: Flag[]) => boolean;
type Changed = (...fields: (keyof JobStatus)[]) => boolean;

const is = ({ conditions = [] }: JobStatus, type: string): boolean =>
  conditions.some((condition) => condition.type === type && condition.status === 'True');

function read({ status = {} }: Job): State {
  const [Complete, Failed] = [is(status, 'Complete'), is(status, 'Failed')];
  return {
    status,
    Complete,
    Failed,
    FailureTarget: is(status, 'FailureTarget'),
    SuccessCriteriaMet: is(status, 'SuccessCriteriaMet'),
    Suspended: is(status, 'Suspended'),
    isFinished: Complete || Failed,
  };
}

const conditions = 'status.conditions';

function validateCounts(p: Problems, status: JobStatus): void {
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
    p.nonNegative(`status.${field}`, status[field]);
  }
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed'] as const) {
    for (const [i, uid] of (status.uncountedTerminatedPods?.[list] ?? []).entries()) {
      const at = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === '') p.invalid(at, uid, 'must not be empty');
      else if (seen.has(uid)) p.duplicate(at, uid);
      seen.add(uid);
    }
  }
}

function validateEnds(p: Problems, job: Job, now: State, turned: Turned, changed: Changed): void {
  const { status, Complete, Failed, isFinished } = now;
  const { startTime, completionTime } = status;
  if (turned('Complete', 'Failed') && Complete && Failed) {
    p.invalidAsItIs(conditions, 'cannot set Complete=True and Failed=true conditions');
  }
  if (turned('Complete', 'FailureTarget') && Complete && now.FailureTarget) {
    p.invalidAsItIs(conditions, 'cannot set Complete=True and FailureTarget=true conditions');
  }
  if (turned('Complete') || changed('completionTime')) {
    if (completionTime && !Complete) {
      const why = 'cannot set completionTime when there is no Complete=True condition';
      p.invalid('status.completionTime', completionTime, why);
    } else if (!completionTime && Complete) {
      p.required('status.completionTime', 'completionTime is required for Complete jobs');
    }
  }
  if (changed('startTime', 'completionTime') && startTime && completionTime) {
    if (Date.parse(completionTime) < Date.parse(startTime)) {
      p.invalid('status.completionTime', completionTime, 'must be equal to or after `startTime`');
    }
  }
  if ((turned('Failed') || changed('failedIndexes')) && Failed && !now.FailureTarget) {
    p.invalidAsItIs(conditions, 'cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if (turned('Complete', 'SuccessCriteriaMet') && Complete && !now.SuccessCriteriaMet) {
    p.invalidAsItIs(conditions, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
  if ((turned('isFinished') || changed('active')) && isFinished && (status.active ?? 0) > 0) {
    p.invalid('status.active', status.active, 'active>0 is invalid for finished job');
  }
  const isNothing = job.spec?.suspend === true && job.spec.completions === 0;
  if ((turned('isFinished') || changed('startTime')) && isFinished && !startTime && !isNothing) {
    p.required('status.startTime', 'startTime is required for finished job');
  }
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (!(turned('isFinished') || changed('uncountedTerminatedPods')) || !isFinished) return;
  if (succeeded.length + failed.length > 0) {
    const at = 'status.uncountedTerminatedPods';
    p.invalid(at, { Succeeded: succeeded, Failed: failed }, 'must be empty for finished job');
  }
}

function validateIndexSets(p: Problems, { spec }: Job, status: JobStatus, changed: Changed): void {
  const { completions, backoffLimitPerIndex, completionMode } = spec ?? {};
  const { completedIndexes = '', failedIndexes } = status;
  const parsed = (field: 'completedIndexes' | 'failedIndexes', text: string): void => {
    const found = readIndexes(text, completions ?? 0);
    if ('wrong' in found) p.invalid(`status.${field}`, text, `error parsing ${field}: ${found.wrong}`);
  };
  if (changed('completedIndexes') && completions !== undefined) parsed('completedIndexes', completedIndexes);
  if (changed('failedIndexes') && completions !== undefined && backoffLimitPerIndex !== undefined) {
    parsed('failedIndexes', failedIndexes ?? '');
  }
  if (changed('completedIndexes') && completedIndexes !== '' && completionMode !== 'Indexed') {
    const why = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    p.invalid('status.completedIndexes', completedIndexes, why);
  }
  if (failedIndexes === undefined) return;
  if (changed('failedIndexes') && backoffLimitPerIndex === undefined) {
    const why = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    p.invalid('status.failedIndexes', failedIndexes, why);
  }
  if (!changed('failedIndexes', 'completedIndexes') || completions === undefined) return;
  const shared = sharedIndex(completedIndexes, failedIndexes, completions);
  if (shared !== undefined) {
    const why = `failedIndexes and completedIndexes overlap at index: ${shared}`;
    p.invalid('status.failedIndexes', failedIndexes, why);
  }
}

function validateRunning(p: Problems, _: Job, { status, isFinished }: State, turned: Turned, changed: Changed): void {
  const { terminating = 0, ready, active = 0 } = status;
  if ((turned('isFinished') || changed('terminating')) && isFinished && terminating > 0) {
    p.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job');
  }
  if (changed('ready', 'active') && ready !== undefined && ready > active) {
    p.invalid('status.ready', ready, 'cannot set more ready pods than active');
  }
}

function validateSuccess(p: Problems, { spec }: Job, now: State): void {
  const { Complete, Failed, FailureTarget, SuccessCriteriaMet } = now;
  if (SuccessCriteriaMet && Failed) {
    p.invalidAsItIs(conditions, 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  }
  if (SuccessCriteriaMet && FailureTarget) {
    p.invalidAsItIs(conditions, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  }
  if (spec?.successPolicy && !SuccessCriteriaMet && Complete) {
    const why = 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True';
    p.invalidAsItIs(conditions, why);
  }
}

/** What was true stays true; what was counted stays counted. */
function validateSteps(p: Problems, { spec }: Job, now: State, was: State): void {
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) {
    if (was[type] && !now[type]) p.invalidAsItIs(conditions, `cannot disable the terminal ${type}=True condition`);
  }
  const scalable = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const field of ['failed', 'succeeded'] as const) {
    const value = now.status[field] ?? 0;
    if (field === 'succeeded' && scalable) continue;
    if (value < (was.status[field] ?? 0)) p.invalid(`status.${field}`, value, `cannot decrease the ${field} counter`);
  }
  const { completionTime, startTime } = now.status;
  const before = was.status;
  if (completionTime && before.completionTime && completionTime !== before.completionTime) {
    p.invalid('status.completionTime', completionTime, 'field is immutable');
  }
  const isResumed = was.Suspended && now.status.conditions?.some((c) => c.type === 'Suspended' && c.status === 'False');
  if (before.startTime && before.startTime !== startTime && !isResumed && !spec?.suspend) {
    p.invalid('status.startTime', startTime ?? null, 'field is immutable for unsuspended job once set');
  }
  if (was.SuccessCriteriaMet && !now.SuccessCriteriaMet) {
    p.invalidAsItIs(conditions, 'cannot disable the SuccessCriteriaMet=True condition');
  }
  if (was.Complete && !was.SuccessCriteriaMet && now.SuccessCriteriaMet) {
    const why = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    p.invalidAsItIs(conditions, why);
  }
}
