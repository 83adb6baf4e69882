import type { Pod } from '../api/gen/core-v1.ts';
import { replicasets, replicationcontrollers, services, statefulsets } from '../api/gen/resources.ts';
import { type LabelRequirements, mapSelectorMatches, selectorRequirements } from '../api/selectors.ts';
import type { InformerFactory } from '../client/informer.ts';

/** By which labels a pod's services and its owner select it; undefined when nothing does. */
export function createDefaultSelector(informers: InformerFactory): (pod: Pod) => LabelRequirements | undefined {
  const serviceInformer = informers.informer(services);
  const sets = informers.informer(replicasets);
  const stateful = informers.informer(statefulsets);
  const controllers = informers.informer(replicationcontrollers);

  return (pod) => {
    const { namespace, labels } = pod.metadata;
    const merged: Record<string, string> = {};
    for (const service of serviceInformer.list(namespace)) {
      if (mapSelectorMatches(service.spec?.selector, labels)) Object.assign(merged, service.spec?.selector);
    }
    let also: LabelRequirements = [];
    const owner = pod.metadata.ownerReferences?.find((r) => r.controller);
    if (owner?.kind === 'ReplicaSet')
      also = selectorRequirements(sets.get(owner.name, namespace)?.spec?.selector) ?? [];
    if (owner?.kind === 'StatefulSet') {
      also = selectorRequirements(stateful.get(owner.name, namespace)?.spec?.selector) ?? [];
    }
    if (owner?.kind === 'ReplicationController') {
      Object.assign(merged, controllers.get(owner.name, namespace)?.spec?.selector);
    }
    const all = [...(selectorRequirements({ matchLabels: merged }) ?? []), ...also];
    return all.length === 0 ? undefined : all;
  };
}
