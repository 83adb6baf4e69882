import type { Node, Pod } from '../../api/gen/core-v1.ts';
import { leases, nodes, pods } from '../../api/gen/resources.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { isReady } from '../runtime/pods.ts';
import { timeText } from '../runtime/time.ts';
import { type Heartbeat, readyOf, unknownConditions } from './health.ts';
import { evictionPace } from './pace.ts';
import { desiredTaints, hasNoExecute, notReady, unreachable, wantedNoExecute } from './taints.ts';

/** Tells dead nodes from living ones, and marks them so that nothing new comes and what is there may leave. */
export function createNodeLifecycleController(context: ControllerContext): Component {
  const { client, informers, now, settings } = context;
  const graceMs = settings.nodeMonitorGraceMs ?? 40_000;
  const informer = informers.informer(nodes);
  const leaseInformer = informers.informer(leases, { namespace: 'kube-node-lease' });
  const podInformer = informers.informer(pods);
  podInformer.addIndex('node', (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
  const committer = createCommitter({ client, resource: nodes, informer });
  const recorder = context.recorder('node-controller');
  const heartbeats = new Map<string, Heartbeat>();
  let lastGivenUp = Number.NEGATIVE_INFINITY;

  /** Notes a sign of life at the moment at which it is seen. */
  const listen = (name: string): Heartbeat => {
    const lease = leaseInformer.get(name, 'kube-node-lease')?.spec?.renewTime;
    const ready = informer.get(name)?.status?.conditions?.find((c) => c.type === 'Ready');
    const known = heartbeats.get(name);
    const told = ready && ready.reason !== 'NodeStatusUnknown';
    const status = told ? `${ready.status} ${ready.lastHeartbeatTime}` : known?.status;
    if (known && known.lease === lease && known.status === status) return known;
    const heartbeat = { at: now(), lease, status };
    heartbeats.set(name, heartbeat);
    return heartbeat;
  };

  /** Milliseconds until the node counts as silent; not positive when it does. */
  const silentIn = (node: Node): number => listen(node.metadata.name ?? '').at + graceMs - now();

  const markPodsNotReady = async (node: Node): Promise<void> => {
    for (const pod of podInformer.byIndex('node', node.metadata.name ?? '')) {
      if (!isReady(pod)) continue;
      const conditions = (pod.status?.conditions ?? []).map((c) =>
        c.type === 'Ready' ? { ...c, status: 'False', lastTransitionTime: timeText(now()) } : c,
      );
      await setPodConditions(pod, conditions);
      recorder.event(referenceTo(pods, pod), 'Warning', 'NodeNotReady', 'Node is not ready');
    }
  };

  const setPodConditions = async (pod: Pod, conditions: NonNullable<Pod['status']>['conditions']): Promise<void> => {
    const { name = '', namespace, uid } = pod.metadata;
    const body = { metadata: { uid }, status: { conditions } };
    await client
      .patch(pods, name, { type: 'strategic', body }, { namespace, subresource: 'status' })
      .then(podInformer.observe, (error: unknown) => {
        if ((error as { reason?: string }).reason !== 'NotFound') throw error;
      });
  };

  /** Whether the node may be given up now, and else when to ask again. */
  const mayGiveUp = (): { yes: boolean; afterMs?: number } => {
    const all = informer.list();
    const ready = all.filter((n) => readyOf(n) === 'True').length;
    const pace = evictionPace(ready, all.length - ready);
    if (pace.perSecond === 0) return { yes: false };
    const wait = lastGivenUp + 1000 / pace.perSecond - now();
    if (wait > 0) return { yes: false, afterMs: wait };
    lastGivenUp = now();
    return { yes: true };
  };

  const taintNode = async (node: Node): Promise<Outcome> => {
    const key = wantedNoExecute(node);
    const everythingDown = informer.list().every((n) => readyOf(n) !== 'True');
    let noExecute: string | undefined = everythingDown ? undefined : key;
    let again: Outcome;
    if (noExecute !== undefined && !hasNoExecute(node, noExecute)) {
      const others = (node.spec?.taints ?? []).some(
        (t) => t.effect === 'NoExecute' && [notReady, unreachable].includes(t.key),
      );
      const turn = others ? { yes: true } : mayGiveUp();
      if (!turn.yes) {
        noExecute = undefined;
        again = 'afterMs' in turn ? { requeueAfterMs: turn.afterMs } : undefined;
      }
    }
    const taints = desiredTaints(node, noExecute, now());
    if (!sameJson(taints, node.spec?.taints ?? [])) {
      const next = { ...node, spec: { ...node.spec, taints: taints.length === 0 ? undefined : taints } };
      await committer.commit(node, next);
    }
    return again;
  };

  return createController({
    name: 'node-lifecycle',
    log: context.log.child('node-lifecycle'),
    watches: (queue) => [
      {
        ...watching(queue, informer),
        update(object, old) {
          listen(object.metadata.name ?? '');
          queue.add(object.metadata.name ?? '');
          // One node more or less that is ready changes what may be done about the others.
          if (readyOf(object as Node) === readyOf(old as Node)) return;
          for (const node of informer.list()) if (readyOf(node) !== 'True') queue.add(node.metadata.name ?? '');
        },
        delete: (object) => void heartbeats.delete(object.metadata.name ?? ''),
      },
      {
        ...watching(queue, leaseInformer, (lease) => lease.metadata.name),
        update(lease) {
          const name = lease.metadata.name ?? '';
          listen(name);
          // A renewal of a node that lives needs no work: its time-out looks at what was noted when it comes.
          if (readyOf(informer.get(name) ?? { metadata: {} }) !== 'True') queue.add(name);
        },
      },
    ],
    async reconcile(name) {
      const node = informer.get(name);
      if (!node) return undefined;
      const left = silentIn(node);
      let current = node;
      const conditions = left <= 0 ? unknownConditions(node, now()) : undefined;
      if (conditions) {
        current = await committer.commitStatus(node, { ...node, status: { ...node.status, conditions } });
        const message = `Node ${name} status is now: NodeNotReady`;
        recorder.event(referenceTo(nodes, node), 'Normal', 'NodeNotReady', message);
      }
      if (readyOf(current) !== 'True' && current.status?.conditions) await markPodsNotReady(current);
      const outcome = await taintNode(current);
      const waits = [left > 0 ? left + 1 : undefined, outcome?.requeueAfterMs].filter((ms) => ms !== undefined);
      return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
    },
  });
}
