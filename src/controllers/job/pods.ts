import type { Job } from '../../api/gen/batch-v1.ts';
import type { Container, EnvVar, Pod } from '../../api/gen/core-v1.ts';
import { compareForDeletion } from '../runtime/pods.ts';
import { indexAnnotation, indexOf } from './indexes.ts';
import { failureCount, isIndexed, type JobState, onlyReplaceFailed, trackingFinalizer } from './state.ts';

const burst = 500;
const indexEnv: EnvVar = {
  name: 'JOB_COMPLETION_INDEX',
  valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } },
};

export interface PodPlan {
  /** Indexes to make pods for; for a job without indexes only their number counts. */
  create: number[];
  remove: Pod[];
}

/** How many pods to have now: as many as may run in parallel, no more than are still needed. */
export function wantedActive(state: JobState): number {
  const { job, active, succeeded } = state;
  const parallelism = job.spec?.parallelism ?? 1;
  const completions = job.spec?.completions;
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.min(parallelism, completions - succeeded - (isIndexed(job) ? state.failedIndexes.size : 0));
}

export function planPods(state: JobState, now: number): PodPlan {
  const { job, active } = state;
  const wanted = Math.max(0, wantedActive(state));
  const completions = job.spec?.completions ?? 0;
  const remove: Pod[] = [];
  let running = [...active];
  if (isIndexed(job)) {
    const seen = new Set<number>();
    running = running.filter((pod) => {
      const index = indexOf(pod, completions);
      const surplus = index === undefined || seen.has(index) || state.completedIndexes.has(index);
      if (surplus) remove.push(pod);
      else seen.add(index);
      return !surplus;
    });
  }
  const surplus = running.length - wanted;
  if (surplus > 0) {
    remove.push(...running.toSorted(compareForDeletion(now, () => 0)).slice(0, surplus));
    return { create: [], remove };
  }
  const occupied = onlyReplaceFailed(job) ? state.terminating : 0;
  const missing = Math.min(burst, -surplus - occupied);
  if (missing <= 0) return { create: [], remove };
  if (!isIndexed(job)) return { create: Array.from({ length: missing }, (_, i) => i), remove };
  const taken = new Set(running.map((p) => indexOf(p, completions)));
  const create: number[] = [];
  for (let i = 0; i < completions && create.length < missing; i++) {
    if (!taken.has(i) && !state.completedIndexes.has(i) && !state.failedIndexes.has(i)) create.push(i);
  }
  return { create, remove };
}

function withIndex<C extends Container>(containers: C[] | undefined): C[] | undefined {
  return containers?.map((c) =>
    c.env?.some((e) => e.name === indexEnv.name) ? c : { ...c, env: [...(c.env ?? []), indexEnv] },
  );
}

/** Gives a pod of the job what lets it be tracked, and its index when it has one. `failures`: of the index so far. */
export function shapePod(job: Job, pod: Pod, index: number, failures: number): void {
  const { metadata } = pod;
  metadata.finalizers = [...(metadata.finalizers ?? []).filter((f) => f !== trackingFinalizer), trackingFinalizer];
  if (!isIndexed(job) || !pod.spec) return;
  metadata.annotations = { ...metadata.annotations, [indexAnnotation]: String(index) };
  if (job.spec?.backoffLimitPerIndex !== undefined) metadata.annotations[failureCount] = String(failures);
  metadata.labels = { ...metadata.labels, [indexAnnotation]: String(index) };
  metadata.generateName = `${job.metadata.name}-${index}-`;
  pod.spec.hostname = `${job.metadata.name}-${index}`;
  pod.spec.containers = withIndex(pod.spec.containers) ?? [];
  if (pod.spec.initContainers) pod.spec.initContainers = withIndex(pod.spec.initContainers);
}

/** The last moment at which a container of the pod ended. */
export function finishedAt(pod: Pod, now: number): number {
  const times = (pod.status?.containerStatuses ?? [])
    .map((c) => Date.parse(c.state?.terminated?.finishedAt ?? ''))
    .filter((t) => !Number.isNaN(t));
  return times.length > 0 ? Math.max(...times) : now;
}
