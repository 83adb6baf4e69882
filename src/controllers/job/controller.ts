import type { Job, JobCondition, JobStatus } from '../../api/gen/batch-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { jobs, pods } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { candidatesOf, claim } from '../runtime/claim.ts';
import { createCommitter } from '../runtime/committer.ts';
import { findCondition } from '../runtime/conditions.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { controllerOf, controllerRef, ownerKey } from '../runtime/owners.ts';
import { createPodControl, isNamespaceTerminating } from '../runtime/pod-control.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { timeText } from '../runtime/time.ts';
import { indexOf } from './indexes.ts';
import { deadlineMs, judgeJob, type Verdict } from './outcome.ts';
import { finishedAt, planPods, shapePod } from './pods.ts';
import { failureCount, isFinished, isLeftBy, isTracked, type JobState, jobState, trackingFinalizer } from './state.ts';

const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

/** Of keys that stand for a pod without an owner. */
const orphanPrefix = 'pod:';

const keyOfPod = (pod: Pod): string | undefined =>
  isTracked(pod) && !controllerOf(pod) ? `${orphanPrefix}${keyOf(pod)}` : ownerKey(jobs, pod);

interface Failures {
  count: number;
  lastAt: number;
}

export function createJobController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(jobs);
  const podInformer = informers.informer(pods);
  const recorder = context.recorder('job-controller');
  const podControl = createPodControl({ client, recorder, informer: podInformer });
  const committer = createCommitter({ client, resource: jobs, informer });
  /** Failures since the last success, by job; and by job and index. */
  const failures = new Map<string, Failures>();
  const indexFailures = new Map<string, number>();

  const release = async (pod: Pod): Promise<void> => {
    const { name = '', namespace, uid, resourceVersion } = pod.metadata;
    const finalizers = (pod.metadata.finalizers ?? []).filter((f) => f !== trackingFinalizer);
    const body = { metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } };
    try {
      podInformer.observe(await client.patch(pods, name, { type: 'merge', body }, { namespace }));
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  /** Deletes a pod that shall not count. */
  const removeUncounted = async (job: Job, pod: Pod): Promise<void> => {
    const fresh = podInformer.get(pod.metadata.name ?? '', pod.metadata.namespace) ?? pod;
    if (isTracked(fresh)) await release(fresh);
    await podControl.delete(pod, referenceTo(jobs, job));
  };

  const recordFailures = (state: JobState): void => {
    const uid = state.job.metadata.uid ?? '';
    if (state.newlySucceeded > 0) failures.delete(uid);
    for (const pod of state.newlyFailed) {
      const known = failures.get(uid) ?? { count: 0, lastAt: 0 };
      failures.set(uid, { count: known.count + 1, lastAt: Math.max(known.lastAt, finishedAt(pod, now())) });
      const index = indexOf(pod, state.job.spec?.completions ?? 0);
      const before = Number(pod.metadata.annotations?.[failureCount] ?? 0);
      if (index !== undefined) indexFailures.set(`${uid} ${index}`, before + 1);
    }
  };

  /** How long the next pod has to wait because of earlier failures. */
  const backoffMs = (job: Job): number => {
    const known = failures.get(job.metadata.uid ?? '');
    if (!known) return 0;
    return known.lastAt + Math.min(maxBackoffMs, firstBackoffMs * 2 ** (known.count - 1)) - now();
  };

  const condition = (type: string, status: string, reason: string, message: string): JobCondition => {
    const at = timeText(now());
    return { type, status, reason, message, lastProbeTime: at, lastTransitionTime: at };
  };

  const createPods = async (job: Job, indexes: readonly number[]): Promise<void> => {
    const about = referenceTo(jobs, job);
    const owner = controllerRef(jobs, job);
    const { error } = await slowStart(indexes.length, async (i) => {
      const index = indexes[i] ?? 0;
      try {
        await podControl.create({
          namespace: job.metadata.namespace ?? '',
          generateName: `${job.metadata.name}-`,
          template: job.spec?.template ?? {},
          owner,
          about,
          shape: (pod) => shapePod(job, pod, index, indexFailures.get(`${job.metadata.uid} ${index}`) ?? 0),
        });
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
      }
    });
    if (error !== undefined) throw error;
  };

  /** Makes and deletes pods as the verdict, suspension and parallelism demand. */
  const managePods = async (state: JobState, verdict: Verdict | undefined): Promise<Outcome> => {
    const { job } = state;
    if (verdict || job.spec?.suspend) {
      await Promise.all(state.active.map((pod) => removeUncounted(job, pod)));
      return undefined;
    }
    const plan = planPods(state, now());
    await Promise.all(plan.remove.map((pod) => removeUncounted(job, pod)));
    const wait = plan.create.length > 0 ? backoffMs(job) : 0;
    if (wait > 0) return { requeueAfterMs: wait };
    await createPods(job, plan.create);
    return undefined;
  };

  const suspension = (job: Job, status: JobStatus): JobStatus => {
    const known = findCondition(status.conditions, 'Suspended');
    const about = referenceTo(jobs, job);
    const others = (status.conditions ?? []).filter((c) => c.type !== 'Suspended');
    if (job.spec?.suspend && known?.status !== 'True') {
      recorder.event(about, 'Normal', 'Suspended', 'Job suspended');
      const suspended = condition('Suspended', 'True', 'JobSuspended', 'Job suspended');
      return { ...status, startTime: undefined, conditions: [...others, suspended] };
    }
    if (!job.spec?.suspend && known?.status === 'True') {
      recorder.event(about, 'Normal', 'Resumed', 'Job resumed');
      const resumed = condition('Suspended', 'False', 'JobResumed', 'Job resumed');
      return { ...status, startTime: timeText(now()), conditions: [...others, resumed] };
    }
    return status;
  };

  /** The decision first, the final condition once no pod is left that runs and none is left to count. */
  const conclude = (state: JobState, status: JobStatus, verdict: Verdict | undefined): JobStatus => {
    if (!verdict) return status;
    const { type, reason, message } = verdict;
    const conditions = [...(status.conditions ?? [])];
    if (!conditions.some((c) => c.type === type)) conditions.push(condition(type, 'True', reason, message));
    const uncounted = status.uncountedTerminatedPods;
    const counted = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0) === 0;
    const quiet = counted && state.active.length === 0 && state.terminating === 0;
    if (!quiet) return { ...status, conditions };
    const about = referenceTo(jobs, state.job);
    if (type === 'SuccessCriteriaMet') {
      recorder.event(about, 'Normal', 'Completed', 'Job completed');
      const done = condition('Complete', 'True', reason, message);
      return { ...status, ready: 0, conditions: [...conditions, done], completionTime: timeText(now()) };
    }
    recorder.event(about, 'Warning', reason, message);
    return { ...status, ready: 0, conditions: [...conditions, condition('Failed', 'True', reason, message)] };
  };

  /** Nobody will count these pods any more: their job went, with another of its name in its place or none. */
  const releaseLeft = async (namespace: string | undefined, name: string, job: Job | undefined): Promise<void> => {
    const left = podInformer.list(namespace).filter((pod) => isTracked(pod) && isLeftBy(pod, name, job?.metadata.uid));
    await Promise.all(left.map(release));
  };

  const reconcileOrphan = async (key: string): Promise<undefined> => {
    const { namespace, name } = splitKey(key);
    const pod = podInformer.get(name, namespace);
    if (pod && isTracked(pod) && !controllerOf(pod)) await release(pod);
  };

  const reconcile = async (key: string): Promise<Outcome> => {
    if (key.startsWith(orphanPrefix)) return reconcileOrphan(key.slice(orphanPrefix.length));
    const { namespace, name } = splitKey(key);
    const job = informer.get(name, namespace);
    if (!job?.status?.startTime) await releaseLeft(namespace, name, job);
    if (!job) return undefined;
    const managed = job.spec?.managedBy;
    if (managed !== undefined && managed !== 'kubernetes.io/job-controller') return undefined;
    if (isFinished(job) || job.metadata.deletionTimestamp !== undefined) {
      failures.delete(job.metadata.uid ?? '');
      const left = podInformer.byIndex('owner', job.metadata.uid ?? '').filter(isTracked);
      await Promise.all(left.map(release));
      return undefined;
    }
    const own = await claim({
      client,
      owner: job,
      ownerResource: jobs,
      ownerReference: controllerRef(jobs, job),
      selector: job.spec?.selector,
      resource: pods,
      informer: podInformer,
      candidates: candidatesOf(podInformer, job),
      finalizer: trackingFinalizer,
    });
    const state = jobState(job, own, podControl.isBeingDeleted);
    recordFailures(state);
    const verdict = judgeJob(state, now());
    let status = suspension(job, state.status);
    if (!job.spec?.suspend && !status.startTime) status = { ...status, startTime: timeText(now()) };
    const written = await committer.commitStatus(job, { ...job, status: conclude(state, status, verdict) });
    await Promise.all(state.release.map(release));
    const outcome = isFinished(written) ? undefined : await managePods({ ...state, job: written }, verdict);
    // Counted pods are moved from one place of the status to another as soon as their finalizers are gone.
    if (state.release.length > 0) return { requeueAfterMs: 1 };
    const waits = [outcome?.requeueAfterMs, deadlineMs(written, now())].filter((ms) => ms !== undefined);
    return waits.length === 0 ? undefined : { requeueAfterMs: Math.max(1, Math.min(...waits)) };
  };

  return createController({
    name: 'job',
    log: context.log.child('job'),
    watches: (queue) => [watching(queue, informer), watching(queue, podInformer, keyOfPod)],
    reconcile,
  });
}
