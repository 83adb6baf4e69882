import type { Binding, PodSpec } from '../../api/gen/core-v1.ts';
import { lookUp } from '../registry/look-up.ts';
import type { AdmissionContext, AdmissionPlugin } from './plugin.ts';

const copied = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** A pod is told by its labels in which zone and region its node is. */
export function podTopologyLabels(context: AdmissionContext): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    operations: ['CREATE'],
    resources: ['/pods', '/pods/binding'],
    mutate({ object, subresource }) {
      if (!object) return false;
      const { target } = object as unknown as Binding;
      if (subresource && target?.kind !== 'Node') return false;
      const name = subresource ? target?.name : (object.spec as PodSpec | undefined)?.nodeName;
      if (!name) return false;
      return lookUp(context.registry(), { group: '', resource: 'nodes' }, { name }).then((node) => {
        const labels = Object.entries(node?.metadata.labels ?? {}).filter(([key]) => copied.includes(key));
        if (labels.length === 0) return false;
        object.metadata.labels = { ...object.metadata.labels, ...Object.fromEntries(labels) };
        return true;
      });
    },
  };
}
