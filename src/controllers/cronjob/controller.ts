import type { CronJob, Job } from '../../api/gen/batch-v1.ts';
import { cronjobs, jobs } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import { referenceTo } from '../../client/events.ts';
import { splitKey } from '../../client/informer.ts';
import { isFinished } from '../job/state.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { controllerRef, isControlledBy, ownerKey } from '../runtime/owners.ts';
import { isNamespaceTerminating } from '../runtime/pod-control.ts';
import { timeOf, timeText } from '../runtime/time.ts';
import { parseSchedule, type Schedule } from './schedule.ts';

const scheduledAt = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const tooMany = 100;

export interface Due {
  /** The latest time that has passed unserved. */
  missed: number | undefined;
  next: number | undefined;
  /** How many times were passed over, up to a hundred and one. */
  count: number;
}

/** What is due by `now`, counted from the last run (or the start). */
export function dueTimes(cronJob: CronJob, schedule: Schedule, now: number): Due {
  const { startingDeadlineSeconds } = cronJob.spec ?? {};
  let from = timeOf(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp);
  if (startingDeadlineSeconds !== undefined) from = Math.max(from, now - startingDeadlineSeconds * 1000);
  let missed: number | undefined;
  let count = 0;
  let next = schedule.next(from);
  while (next !== undefined && next <= now) {
    missed = next;
    count += 1;
    // Far behind: from here on only the latest matters.
    if (count > tooMany) {
      const gap = next - from;
      next = schedule.next(Math.max(next, now - 2 * Math.max(gap / count, 60_000)));
    } else {
      next = schedule.next(next);
    }
  }
  return { missed, next, count };
}

export function createCronJobController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(cronjobs);
  const jobInformer = informers.informer(jobs);
  const recorder = context.recorder('cronjob-controller');
  const committer = createCommitter({ client, resource: cronjobs, informer });

  const remove = async (job: Job): Promise<void> => {
    const { name = '', namespace, uid } = job.metadata;
    try {
      await client.delete(jobs, name, { namespace, propagationPolicy: 'Background', preconditions: { uid } });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const jobFor = (cronJob: CronJob, at: number): Job => {
    const template = cronJob.spec?.jobTemplate;
    const text = timeText(at);
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name: `${cronJob.metadata.name}-${Math.floor(at / 60_000)}`,
        namespace: cronJob.metadata.namespace,
        labels: { ...template?.metadata?.labels },
        annotations: { ...template?.metadata?.annotations, [scheduledAt]: text },
        creationTimestamp: text,
        ownerReferences: [controllerRef(cronjobs, cronJob)],
      },
      spec: structuredClone(template?.spec),
    };
  };

  /** Old finished jobs beyond the limits. */
  const pruneHistory = async (cronJob: CronJob, own: readonly Job[]): Promise<void> => {
    const prune = async (type: string, limit: number): Promise<void> => {
      const done = own.filter((j) => isFinished(j)?.type === type);
      done.sort((a, b) => timeOf(a.status?.startTime) - timeOf(b.status?.startTime));
      for (const job of done.slice(0, Math.max(0, done.length - limit))) {
        await remove(job);
        const message = `Deleted job ${job.metadata.name}`;
        recorder.event(referenceTo(cronjobs, cronJob), 'Normal', 'SuccessfulDelete', message);
      }
    };
    await prune('Complete', cronJob.spec?.successfulJobsHistoryLimit ?? 3);
    await prune('Failed', cronJob.spec?.failedJobsHistoryLimit ?? 1);
  };

  const reconcile = async (key: string): Promise<Outcome> => {
    const { namespace, name } = splitKey(key);
    const cronJob = informer.get(name, namespace);
    if (!cronJob) return undefined;
    const about = referenceTo(cronjobs, cronJob);
    const own = jobInformer.byIndex('owner', cronJob.metadata.uid ?? '').filter((j) => isControlledBy(j, cronJob));
    await pruneHistory(cronJob, own);
    let status = { ...cronJob.status };
    let running = own.filter((j) => !isFinished(j));
    for (const job of own) {
      const finished = isFinished(job);
      const listed = cronJob.status?.active?.some((r) => r.uid === job.metadata.uid);
      if (!finished || !listed) continue;
      const message = `Saw completed job: ${job.metadata.name}, condition: ${finished.type}`;
      recorder.event(about, 'Normal', 'SawCompletedJob', message);
      const completed = job.status?.completionTime;
      if (finished.type === 'Complete' && completed && !(timeOf(status.lastSuccessfulTime) >= timeOf(completed))) {
        status = { ...status, lastSuccessfulTime: completed };
      }
    }
    const settle = async (): Promise<void> => {
      const active = running.map((j) => referenceTo(jobs, j));
      const next = { ...status, active: active.length === 0 ? undefined : active };
      await committer.commitStatus(cronJob, { ...cronJob, status: next });
    };
    if (cronJob.metadata.deletionTimestamp !== undefined || cronJob.spec?.suspend) {
      await settle();
      return undefined;
    }
    let schedule: Schedule;
    try {
      schedule = parseSchedule(cronJob.spec?.schedule ?? '', cronJob.spec?.timeZone ?? 'UTC');
    } catch (error) {
      const message = `unparseable schedule: ${cronJob.spec?.schedule} : ${messageOf(error)}`;
      recorder.event(about, 'Warning', 'UnparseableSchedule', message);
      await settle();
      return undefined;
    }
    const at = now();
    const due = dueTimes(cronJob, schedule, at);
    if (due.count > tooMany) {
      const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      recorder.event(about, 'Warning', 'TooManyMissedTimes', message);
    }
    const again = { requeueAfterMs: due.next === undefined ? undefined : Math.max(1, due.next - at + 100) };
    const done = due.missed !== undefined && timeOf(status.lastScheduleTime) >= due.missed;
    if (due.missed === undefined || done) {
      await settle();
      return again;
    }
    if (running.length > 0 && cronJob.spec?.concurrencyPolicy === 'Forbid') {
      recorder.event(
        about,
        'Normal',
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
      );
      await settle();
      return again;
    }
    if (cronJob.spec?.concurrencyPolicy === 'Replace') {
      for (const job of running) {
        await remove(job);
        recorder.event(about, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
      }
      running = [];
    }
    let job: Job;
    try {
      job = await client.create(jobs, jobFor(cronJob, due.missed));
      jobInformer.observe(job);
      recorder.event(about, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (!isApiError(error, 'AlreadyExists')) {
        recorder.event(about, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
        throw error;
      }
      job = await client.get(jobs, jobFor(cronJob, due.missed).metadata.name ?? '', { namespace });
    }
    running = [...running.filter((j) => j.metadata.uid !== job.metadata.uid), job];
    status = { ...status, lastScheduleTime: timeText(due.missed) };
    await settle();
    return again;
  };

  return createController({
    name: 'cronjob',
    log: context.log.child('cronjob'),
    watches: (queue) => [watching(queue, informer), watching(queue, jobInformer, (job) => ownerKey(cronjobs, job))],
    reconcile,
  });
}
