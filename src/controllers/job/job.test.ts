import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../../api/gen/batch-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { formatIndexes, indexAnnotation, parseIndexes } from './indexes.ts';
import { judgeJob } from './outcome.ts';
import { planPods } from './pods.ts';
import { judgeFailure, successPolicyMet } from './policy.ts';
import { isLeftBy, jobState, trackingFinalizer } from './state.ts';

const job = (spec: Partial<Job['spec'] & object>, status: Job['status'] = {}): Job =>
  ({
    metadata: { name: 'j', namespace: 'ns', uid: 'j' },
    spec: { backoffLimit: 6, template: {}, ...spec },
    status,
  }) as Job;

const pod = (name: string, phase: string, extra: Partial<Pod['metadata']> = {}, exitCode?: number): Pod => ({
  metadata: { name, namespace: 'ns', uid: name, finalizers: [trackingFinalizer], ...extra },
  spec: { containers: [] },
  status: {
    phase,
    containerStatuses:
      exitCode === undefined
        ? []
        : [
            {
              name: 'main',
              image: '',
              imageID: '',
              ready: false,
              restartCount: 0,
              state: { terminated: { exitCode } },
            },
          ],
  },
});
const free = { finalizers: [] };
const never = (): boolean => false;

test('Indexes are written in runs and read back', () => {
  assert.equal(formatIndexes([5, 0, 1, 2, 7, 8]), '0-2,5,7,8');
  assert.deepStrictEqual([...parseIndexes('0-2,5,9', 8)], [0, 1, 2, 5]);
});

test('A finished pod is first entered as uncounted, and counted once its finalizer is gone', () => {
  const entered = jobState(job({ completions: 2 }), [pod('a', 'Succeeded'), pod('b', 'Failed')], never);
  assert.deepStrictEqual(entered.status.uncountedTerminatedPods, { succeeded: ['a'], failed: ['b'] });
  assert.deepStrictEqual([entered.succeeded, entered.failed, entered.status.succeeded], [1, 1, undefined]);
  const released = [pod('a', 'Succeeded', free), pod('b', 'Failed', free)];
  const counted = jobState(job({ completions: 2 }, entered.status), released, never);
  assert.deepStrictEqual(counted.status.uncountedTerminatedPods, {});
  assert.deepStrictEqual([counted.status.succeeded, counted.status.failed, counted.release.length], [1, 1, 0]);
  const again = jobState(job({ completions: 2 }, counted.status), released, never);
  assert.deepStrictEqual([again.status.succeeded, again.status.failed], [1, 1]);
});

test('As many pods run as may be parallel, and no more than are still needed', () => {
  const state = jobState(job({ completions: 3, parallelism: 5 }, { succeeded: 1 }), [pod('a', 'Running')], never);
  assert.deepStrictEqual(planPods(state, 0), { create: [0], remove: [] });
});

test('An indexed job makes pods for the indexes that are missing and drops doubles', () => {
  const at = (index: number): Partial<Pod['metadata']> => ({ annotations: { [indexAnnotation]: String(index) } });
  const state = jobState(
    job({ completions: 4, parallelism: 4, completionMode: 'Indexed' }, { completedIndexes: '0' }),
    [pod('b', 'Running', at(1)), pod('c', 'Running', at(1)), pod('d', 'Succeeded', at(3))],
    never,
  );
  const plan = planPods(state, 0);
  assert.deepStrictEqual(plan.create, [2]);
  assert.deepStrictEqual(
    plan.remove.map((p) => p.metadata.name),
    ['c'],
  );
  assert.equal(state.status.completedIndexes, '0,3');
});

const verdicts: [string, Job, Pod[], string | undefined][] = [
  ['goes on while pods are missing', job({ completions: 2 }, { succeeded: 1 }), [], undefined],
  ['is complete with all completions', job({ completions: 2 }, { succeeded: 2 }), [], 'CompletionsReached'],
  ['a work queue is done when one has succeeded and none runs', job({}, { succeeded: 1 }), [], 'CompletionsReached'],
  [
    'fails beyond the back-off limit',
    job({ completions: 1, backoffLimit: 0 }),
    [pod('a', 'Failed')],
    'BackoffLimitExceeded',
  ],
  [
    'fails at its deadline',
    job({ completions: 1, activeDeadlineSeconds: 5 }, { startTime: '1970-01-01T00:00:00Z' }),
    [],
    'DeadlineExceeded',
  ],
];
for (const [name, subject, pods, reason] of verdicts) {
  test(`A job ${name}`, () => assert.equal(judgeJob(jobState(subject, pods, never), 10_000)?.reason, reason));
}

test('A failure policy names the container, the code and the rule', () => {
  const policy = { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] };
  const subject = job({ podFailurePolicy: policy });
  assert.deepStrictEqual(judgeFailure(subject, pod('a', 'Failed', {}, 42)), {
    action: 'FailJob',
    message: 'Container main for pod ns/a failed with exit code 42 matching FailJob rule at index 0',
  });
  assert.deepStrictEqual(judgeFailure(subject, pod('a', 'Failed', {}, 1)), { action: 'Count' });
});

test('A success policy is met by enough of its indexes', () => {
  const subject = job({ completions: 5, successPolicy: { rules: [{ succeededIndexes: '0,2-3', succeededCount: 2 }] } });
  assert.equal(successPolicyMet(subject, new Set([0, 1])), undefined);
  assert.equal(successPolicyMet(subject, new Set([0, 3])), 'Matched rules at index 0');
});

test('Pods of a job that is gone, or is another by now, are left by it', () => {
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'old', controller: true };
  const left = pod('a', 'Succeeded', { ownerReferences: [owner] });
  assert.deepStrictEqual(
    [isLeftBy(left, 'j', undefined), isLeftBy(left, 'j', 'new'), isLeftBy(left, 'j', 'old'), isLeftBy(left, 'k', 'x')],
    [true, true, false, false],
  );
  assert.equal(isLeftBy(pod('b', 'Running'), 'j', undefined), false);
});
