import { jobs } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { splitKey } from '../../client/informer.ts';
import { isFinished } from '../job/state.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { timeOf } from '../runtime/time.ts';

/** Deletes finished jobs when their time to live is over. */
export function createTtlAfterFinishedController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(jobs);
  return createController({
    name: 'ttl-after-finished',
    log: context.log.child('ttl-after-finished'),
    watches: (queue) => [
      watching(queue, informer, (job) =>
        job.spec?.ttlSecondsAfterFinished !== undefined && isFinished(job)
          ? `${job.metadata.namespace}/${job.metadata.name}`
          : undefined,
      ),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const job = informer.get(name, namespace);
      const ttl = job?.spec?.ttlSecondsAfterFinished;
      const finished = job && isFinished(job);
      if (!finished || ttl === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
      const left = timeOf(finished.lastTransitionTime) + ttl * 1000 - now();
      if (left > 0) return { requeueAfterMs: left };
      const { uid, resourceVersion } = job.metadata;
      try {
        await client.delete(jobs, name, {
          namespace,
          propagationPolicy: 'Foreground',
          preconditions: { uid, resourceVersion },
        });
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
      return undefined;
    },
  });
}
