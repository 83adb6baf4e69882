import type { Pod } from '../../api/gen/core-v1.ts';
import type { OwnerReference } from '../../api/gen/meta-v1.ts';
import {
  deployments,
  poddisruptionbudgets,
  pods,
  replicasets,
  replicationcontrollers,
  statefulsets,
} from '../../api/gen/resources.ts';
import { resourcePath } from '../../api/object.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { discover } from '../runtime/discovery.ts';
import { controllerOf } from '../runtime/owners.ts';
import { budgetStatus, disruptedForMs } from './budget.ts';

/** Keeps the status of disruption budgets: how many evictions are allowed now. */
export function createDisruptionController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(poddisruptionbudgets);
  const podInformer = informers.informer(pods);
  const deploymentInformer = informers.informer(deployments);
  const setInformer = informers.informer(replicasets);
  const statefulInformer = informers.informer(statefulsets);
  const rcInformer = informers.informer(replicationcontrollers);
  const recorder = context.recorder('controllermanager');
  const committer = createCommitter({ client, resource: poddisruptionbudgets, informer });

  /** The size that a controller of any other kind tells by its scale subresource. */
  const foreignScale = async (owner: OwnerReference, namespace: string): Promise<[string, number] | undefined> => {
    const group = owner.apiVersion.includes('/') ? owner.apiVersion.split('/')[0] : '';
    const { resources } = await discover(client);
    const resource = resources.find((r) => r.group === group && r.kind === owner.kind);
    if (!resource) return undefined;
    try {
      const path = resourcePath(resource, { namespace, name: owner.name, subresource: 'scale' });
      const scale = (await client.raw({ method: 'GET', path })) as { spec?: { replicas?: number } };
      return [owner.uid, scale.spec?.replicas ?? 0];
    } catch {
      return undefined;
    }
  };

  const scaleOf = async (owner: OwnerReference, namespace: string): Promise<[string, number] | undefined> => {
    const { name, uid } = owner;
    switch (owner.kind) {
      case 'ReplicaSet': {
        const set = setInformer.get(name, namespace);
        if (set?.metadata.uid !== uid) return undefined;
        const above = controllerOf(set);
        const deployment = above?.kind === 'Deployment' ? deploymentInformer.get(above.name, namespace) : undefined;
        if (deployment) return [deployment.metadata.uid ?? '', deployment.spec?.replicas ?? 1];
        return [uid, set.spec?.replicas ?? 1];
      }
      case 'StatefulSet':
        return [uid, statefulInformer.get(name, namespace)?.spec?.replicas ?? 1];
      case 'ReplicationController':
        return [uid, rcInformer.get(name, namespace)?.spec?.replicas ?? 1];
      default:
        return foreignScale(owner, namespace);
    }
  };

  const scaleOfAll = async (selected: readonly Pod[]): Promise<{ scale: number; unmanaged: number }> => {
    const sizes = new Map<string, number>();
    let unmanaged = 0;
    for (const pod of selected) {
      const owner = controllerOf(pod);
      const found = owner && (await scaleOf(owner, pod.metadata.namespace ?? ''));
      if (found) sizes.set(found[0], found[1]);
      else unmanaged += 1;
    }
    return { scale: [...sizes.values()].reduce((sum, n) => sum + n, 0), unmanaged };
  };

  return createController({
    name: 'disruption',
    log: context.log.child('disruption'),
    watches: (queue) => [
      watching(queue, informer),
      watching(queue, podInformer, (pod) =>
        informer
          .list(pod.metadata.namespace)
          .filter((b) => labelSelectorMatches(b.spec?.selector, pod.metadata.labels))
          .map(keyOf),
      ),
      ...[deploymentInformer, setInformer, statefulInformer, rcInformer].map((scaled) =>
        watching(
          queue,
          scaled as typeof setInformer,
          (object) => informer.list(object.metadata.namespace).map(keyOf),
          (object, old) => object.spec?.replicas !== old.spec?.replicas,
        ),
      ),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const budget = informer.get(name, namespace);
      if (!budget) return undefined;
      const selected = podInformer
        .list(namespace)
        .filter((p) => labelSelectorMatches(budget.spec?.selector, p.metadata.labels));
      const about = referenceTo(poddisruptionbudgets, budget);
      if (selected.length === 0) recorder.event(about, 'Normal', 'NoPods', 'No matching pods found');
      const counted = typeof budget.spec?.minAvailable !== 'number';
      const { scale, unmanaged } = counted ? await scaleOfAll(selected) : { scale: 0, unmanaged: 0 };
      if (unmanaged > 0) {
        const message = `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(budget.spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
        recorder.event(about, 'Warning', 'UnmanagedPods', message);
      }
      const status = budgetStatus(budget, selected, scale, now());
      await committer.commitStatus(budget, { ...budget, status });
      return { requeueAfterMs: status.disruptedPods ? disruptedForMs : undefined };
    },
  });
}
