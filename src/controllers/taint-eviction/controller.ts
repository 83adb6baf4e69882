import type { Node, Pod } from '../../api/gen/core-v1.ts';
import { nodes, pods } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { timeText } from '../runtime/time.ts';
import { tolerationSeconds } from './tolerated.ts';

const noExecute = (node: Node | undefined): NonNullable<NonNullable<Node['spec']>['taints']> =>
  (node?.spec?.taints ?? []).filter((t) => t.effect === 'NoExecute');

/** Deletes pods from nodes whose NoExecute taints they do not, or no longer, tolerate. */
export function createTaintEvictionController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const nodeInformer = informers.informer(nodes);
  const informer = informers.informer(pods);
  informer.addIndex('node', (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
  const recorder = context.recorder('taint-eviction-controller');
  /** Since when a pod has been living on borrowed time. */
  const since = new Map<string, number>();

  const evict = async (pod: Pod): Promise<void> => {
    const { name = '', namespace, uid } = pod.metadata;
    recorder.event(referenceTo(pods, pod), 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${keyOf(pod)}`);
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: timeText(now()),
    };
    try {
      const body = { metadata: { uid }, status: { conditions: [condition] } };
      await client.patch(pods, name, { type: 'strategic', body }, { namespace, subresource: 'status' });
      await client.delete(pods, name, { namespace, preconditions: { uid } });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  return createController({
    name: 'taint-eviction',
    log: context.log.child('taint-eviction'),
    watches: (queue) => [
      watching(
        queue,
        nodeInformer,
        (node) => informer.byIndex('node', node.metadata.name ?? '').map(keyOf),
        (node, old) => !sameJson(noExecute(node), noExecute(old)),
      ),
      {
        ...watching(
          queue,
          informer,
          (pod) => (noExecute(nodeInformer.get(pod.spec?.nodeName ?? '')).length > 0 ? keyOf(pod) : undefined),
          (pod, old) => pod.spec !== old.spec,
        ),
        delete: (pod) => void since.delete(keyOf(pod)),
      },
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const pod = informer.get(name, namespace);
      const taints = noExecute(nodeInformer.get(pod?.spec?.nodeName ?? ''));
      if (!pod || pod.metadata.deletionTimestamp !== undefined || taints.length === 0) {
        if (since.delete(key) && pod && pod.metadata.deletionTimestamp === undefined) {
          const message = `Cancelling deletion of Pod ${key}`;
          recorder.event(referenceTo(pods, pod), 'Normal', 'TaintManagerEviction', message);
        }
        return undefined;
      }
      const seconds = tolerationSeconds(pod, taints);
      if (seconds === Number.POSITIVE_INFINITY) return undefined;
      const began = since.get(key) ?? now();
      since.set(key, began);
      const left = began + seconds * 1000 - now();
      if (left > 0) return { requeueAfterMs: left };
      since.delete(key);
      await evict(pod);
      return undefined;
    },
  });
}
