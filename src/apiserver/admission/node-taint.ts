import type { NodeSpec } from '../../api/gen/core-v1.ts';
import type { AdmissionPlugin } from './plugin.ts';

const key = 'node.kubernetes.io/not-ready';

/** A node is born with the taint that it is not ready; the node lifecycle controller takes it away. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  operations: ['CREATE'],
  resources: ['/nodes'],
  mutate({ object }) {
    if (!object) return false;
    object.spec ??= {};
    const spec = object.spec as NodeSpec;
    if (spec.taints?.some((taint) => taint.key === key && taint.effect === 'NoSchedule')) return false;
    spec.taints = [...(spec.taints ?? []), { key, effect: 'NoSchedule' }];
    return true;
  },
};
