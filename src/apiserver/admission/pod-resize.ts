import type { Node, PodSpec } from '../../api/gen/core-v1.ts';
import { podResources } from '../../api/pod-resources.ts';
import {
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityMilliValue,
  quantityValue,
} from '../../api/quantity.ts';
import { ApiError } from '../../api/status.ts';
import { lookUp } from '../registry/look-up.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from './plugin.ts';

/** The unit in which messages count an amount. */
const shown: Readonly<Record<string, (text: string) => number>> = { cpu: quantityMilliValue, memory: quantityValue };

function refuseResize(a: AdmissionAttributes, why: string, reason: string): ApiError {
  const { status } = refuse(a, why);
  return new ApiError({ ...status, details: { ...status.details, causes: [{ reason }] } });
}

/** A pod is not made larger than its node, and is resized only where nodes can do that. */
export function podResize(context: AdmissionContext): AdmissionPlugin {
  const check = (a: AdmissionAttributes, spec: PodSpec, node: Node): void => {
    const system = node.metadata?.labels?.['kubernetes.io/os'] ?? 'linux';
    if (system !== 'linux') {
      const name = node.metadata?.name;
      const why = `pod resize is only supported on linux nodes, node "${name}" is "${system}"`;
      throw refuseResize(a, why, 'UnsupportedPlatform');
    }
    const wanted = podResources(spec, 'requests', { overhead: true });
    const texts = Object.entries(shown).flatMap(([name, unit]) => {
      const amount = wanted[name];
      const most = node.status?.allocatable?.[name] ?? '0';
      if (!amount || compareQuantities(amount, parseQuantity(most)) <= 0) return [];
      return [`${name}, requested: ${unit(formatQuantity(amount))}, allocatable: ${unit(most)}`];
    });
    if (texts.length > 0)
      throw refuseResize(a, `node didn't have enough allocatable resources: ${texts.join('; ')}`, 'NodeCapacity');
  };
  return {
    name: 'PodResizeValidator',
    operations: ['UPDATE'],
    resources: ['/pods/resize'],
    validate(a) {
      const spec = a.object?.spec as PodSpec | undefined;
      if (!spec?.nodeName || a.object?.metadata.generation === a.oldObject?.metadata.generation) return undefined;
      return lookUp(context.registry(), { group: '', resource: 'nodes' }, { name: spec.nodeName }).then((node) => {
        if (!node) throw refuse(a, `node ${JSON.stringify(spec.nodeName)} not found`);
        check(a, spec, node as unknown as Node);
      });
    },
  };
}
