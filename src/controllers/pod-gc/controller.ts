import type { Pod } from '../../api/gen/core-v1.ts';
import { nodes, pods } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { isTerminal } from '../runtime/pods.ts';
import { timeOf, timeText } from '../runtime/time.ts';

/** A node that was deleted may come back: its pods are given so long. */
const quarantineMs = 40_000;
/** Finished pods beyond this many go, the oldest first. */
const usualFinishedLimit = 12_500;
const outOfService = 'node.kubernetes.io/out-of-service';

/** Removes pods that no kubelet will ever finish: of nodes that are gone, never placed, or finished long ago. */
export function createPodGcController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(pods);
  const nodeInformer = informers.informer(nodes);
  informer.addIndex('node', (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
  const missingSince = new Map<string, number>();

  const isOutOfService = (name: string): boolean => {
    const node = nodeInformer.get(name);
    const ready = node?.status?.conditions?.find((c) => c.type === 'Ready')?.status;
    return ready !== 'True' && (node?.spec?.taints ?? []).some((t) => t.key === outOfService);
  };

  const forceDelete = async (pod: Pod, condition: { reason: string; message: string } | undefined): Promise<void> => {
    const { name = '', namespace, uid } = pod.metadata;
    try {
      if (!isTerminal(pod)) {
        const disrupted = {
          type: 'DisruptionTarget',
          status: 'True',
          ...condition,
          lastTransitionTime: timeText(now()),
        };
        const status = { phase: 'Failed', ...(condition ? { conditions: [disrupted] } : {}) };
        const body = { metadata: { uid }, status };
        await client.patch(pods, name, { type: 'strategic', body }, { namespace, subresource: 'status' });
      }
      await client.delete(pods, name, { namespace, gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const pruneFinished = async (): Promise<void> => {
    const finishedLimit = context.settings.finishedPodLimit ?? usualFinishedLimit;
    const finished = informer.list().filter(isTerminal);
    if (finishedLimit <= 0 || finished.length <= finishedLimit) return;
    finished.sort((a, b) => timeOf(a.metadata.creationTimestamp) - timeOf(b.metadata.creationTimestamp));
    for (const pod of finished.slice(0, finished.length - finishedLimit)) await forceDelete(pod, undefined);
  };

  return createController({
    name: 'pod-gc',
    log: context.log.child('pod-gc'),
    watches: (queue) => [
      watching(queue, informer, (pod) => {
        const node = pod.spec?.nodeName;
        const unplaced = !node && pod.metadata.deletionTimestamp !== undefined;
        const stray = Boolean(node) && !nodeInformer.get(node ?? '');
        const stuck = node !== undefined && pod.metadata.deletionTimestamp !== undefined && isOutOfService(node);
        return unplaced || stray || stuck ? keyOf(pod) : undefined;
      }),
      watching(
        queue,
        nodeInformer,
        (node) => {
          const name = node.metadata.name ?? '';
          return nodeInformer.get(name) && !isOutOfService(name)
            ? undefined
            : informer.byIndex('node', name).map(keyOf);
        },
        (node, old) => node.spec !== old.spec,
      ),
    ],
    onStart: () => void pruneFinished().catch(() => {}),
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const pod = informer.get(name, namespace);
      if (!pod) return undefined;
      const node = pod.spec?.nodeName;
      if (!node) {
        if (pod.metadata.deletionTimestamp !== undefined) await forceDelete(pod, undefined);
        return undefined;
      }
      if (nodeInformer.get(node)) {
        missingSince.delete(node);
        const stuck = pod.metadata.deletionTimestamp !== undefined && isOutOfService(node);
        if (stuck) await forceDelete(pod, undefined);
        return undefined;
      }
      const since = missingSince.get(node) ?? now();
      missingSince.set(node, since);
      const left = since + quarantineMs - now();
      if (left > 0) return { requeueAfterMs: left };
      try {
        await client.get(nodes, node);
        return { requeueAfterMs: quarantineMs };
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
      await forceDelete(pod, { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' });
      return undefined;
    },
  });
}
