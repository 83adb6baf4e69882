import type { DaemonSet } from '../../api/gen/apps-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { controllerrevisions, daemonsets, nodes, pods } from '../../api/gen/resources.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { candidatesOf, claim } from '../runtime/claim.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { revisionLabel, syncHistory, truncateHistory } from '../runtime/history.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { controllerOf, controllerRef, ownerKey } from '../runtime/owners.ts';
import { createPodControl, isNamespaceTerminating } from '../runtime/pod-control.ts';
import { isActive, nextAvailableMs } from '../runtime/pods.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { pinToNode } from './placement.ts';
import { type DaemonPlan, type DaemonState, daemonStatus, planPlacement, planUpdate } from './plan.ts';

const generationAnnotation = 'deprecated.daemonset.template.generation';
const burst = 250;

export function createDaemonSetController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(daemonsets);
  const podInformer = informers.informer(pods);
  const nodeInformer = informers.informer(nodes);
  const revisions = informers.informer(controllerrevisions);
  const recorder = context.recorder('daemonset-controller');
  const podControl = createPodControl({ client, recorder, informer: podInformer });
  const committer = createCommitter({ client, resource: daemonsets, informer });
  /** When a failed pod of a node may next be replaced. */
  const failures = new Map<string, { count: number; until: number }>();

  /** True when the pod may go now; a node where it fails again and again waits longer each time. */
  const mayReplace = (set: DaemonSet, pod: Pod): boolean => {
    const key = `${set.metadata.uid} ${set.status?.observedGeneration} ${pod.spec?.nodeName}`;
    const known = failures.get(key) ?? { count: 0, until: 0 };
    if (known.until > now()) return false;
    failures.set(key, { count: known.count + 1, until: now() + Math.min(900_000, 1000 * 2 ** known.count) });
    if (failures.size > 10_000) failures.clear();
    return true;
  };

  const act = async (set: DaemonSet, plan: DaemonPlan, hash: string): Promise<Outcome> => {
    const about = referenceTo(daemonsets, set);
    const generation = set.metadata.annotations?.[generationAnnotation];
    const create = plan.create.slice(0, burst);
    const { error } = await slowStart(create.length, async (index) => {
      const node = create[index] ?? '';
      try {
        await podControl.create({
          namespace: set.metadata.namespace ?? '',
          generateName: `${set.metadata.name}-`,
          template: set.spec?.template ?? {},
          owner: controllerRef(daemonsets, set),
          about,
          shape(pod) {
            pod.metadata.labels = { ...pod.metadata.labels, [revisionLabel]: hash };
            if (generation) pod.metadata.labels['pod-template-generation'] = generation;
            pinToNode(pod, node);
          },
        });
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
      }
    });
    let waiting = false;
    for (const pod of plan.failed) {
      if (!mayReplace(set, pod)) {
        waiting = true;
        continue;
      }
      const message = `Found failed daemon pod ${keyOf(pod)} on node ${pod.spec?.nodeName}, will try to kill it`;
      recorder.event(about, 'Warning', 'FailedDaemonPod', message);
      await podControl.delete(pod, about);
    }
    await Promise.all(plan.remove.slice(0, burst).map((pod) => podControl.delete(pod, about)));
    if (error !== undefined) throw error;
    return waiting ? { requeueAfterMs: 1000 } : undefined;
  };

  const reconcile = async (key: string): Promise<Outcome> => {
    const { namespace, name } = splitKey(key);
    const set = informer.get(name, namespace);
    if (!set) return undefined;
    const { selector, template } = set.spec ?? {};
    if (!selector?.matchLabels && !selector?.matchExpressions) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      recorder.event(referenceTo(daemonsets, set), 'Warning', 'SelectingAll', message);
      return undefined;
    }
    if (set.metadata.deletionTimestamp !== undefined) return undefined;
    const claimPods = (): Promise<Pod[]> =>
      claim({
        client,
        owner: set,
        ownerResource: daemonsets,
        ownerReference: controllerRef(daemonsets, set),
        selector,
        resource: pods,
        informer: podInformer,
        candidates: candidatesOf(podInformer, set),
        mayAdopt: isActive,
      });
    const history = await syncHistory({
      client,
      informer: revisions,
      resource: daemonsets,
      owner: set,
      selector,
      template,
      collisionCount: set.status?.collisionCount,
    });
    const hash = history.current.metadata.labels?.[revisionLabel] ?? '';
    const state = async (): Promise<DaemonState> => ({
      set,
      nodes: nodeInformer.list(),
      pods: (await claimPods()).map((p) =>
        podControl.isBeingDeleted(p) && !p.metadata.deletionTimestamp
          ? { ...p, metadata: { ...p.metadata, deletionTimestamp: 'now' } }
          : p,
      ),
      hash,
      now: now(),
    });
    let failure: unknown;
    let outcome: Outcome;
    try {
      const before = await state();
      const placementPlan = planPlacement(before);
      outcome = await act(set, placementPlan, hash);
      const settled = placementPlan.create.length + placementPlan.remove.length === 0;
      if (settled) await act(set, planUpdate(before), hash);
    } catch (error) {
      failure = error;
    }
    const after = await state();
    await committer.commitStatus(set, { ...set, status: daemonStatus(after, history.collisionCount) });
    const live = new Set(after.pods.map((p) => p.metadata.labels?.[revisionLabel] ?? ''));
    await truncateHistory(client, history, set.spec?.revisionHistoryLimit ?? 10, live);
    if (failure !== undefined) throw failure;
    return outcome ?? { requeueAfterMs: nextAvailableMs(after.pods, set.spec?.minReadySeconds ?? 0, after.now) };
  };

  return createController({
    name: 'daemonset',
    log: context.log.child('daemonset'),
    watches: (queue) => [
      watching(queue, informer),
      watching(queue, podInformer, (pod) => {
        if (controllerOf(pod)) return ownerKey(daemonsets, pod);
        return informer
          .list(pod.metadata.namespace)
          .filter((d) => labelSelectorMatches(d.spec?.selector, pod.metadata.labels))
          .map(keyOf);
      }),
      watching(
        queue,
        nodeInformer,
        () => informer.list().map(keyOf),
        (node, old) =>
          !sameJson(node.metadata.labels, old.metadata.labels) || !sameJson(node.spec?.taints, old.spec?.taints),
      ),
      watching(
        queue,
        revisions,
        (r) => ownerKey(daemonsets, r),
        () => false,
      ),
    ],
    reconcile,
  });
}
