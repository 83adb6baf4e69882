import { wasEmpty } from '../../api/canonical.ts';
import type { PodSpec } from '../../api/gen/core-v1.ts';
import type { RuntimeClass } from '../../api/gen/node-v1.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { plainFailure } from '../../api/status.ts';
import { mergedTolerations } from '../../api/tolerations.ts';
import { lookUp } from '../registry/look-up.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from './plugin.ts';

type Amounts = Readonly<Record<string, string>>;

function sameAmounts(a: Amounts = {}, b: Amounts = {}): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => b[name] !== undefined && compareQuantities(a[name] as string, b[name]) === 0);
}

/** A pod takes overhead, node selector and tolerations from its runtime class. */
export function runtimeClass(context: AdmissionContext): AdmissionPlugin {
  const find = async (attributes: AdmissionAttributes, spec: PodSpec): Promise<RuntimeClass | undefined> => {
    const { runtimeClassName } = spec;
    if (runtimeClassName === undefined) return undefined;
    if (runtimeClassName === '') throw plainFailure(500, 'resource name may not be empty');
    const found = await lookUp(
      context.registry(),
      { group: 'node.k8s.io', resource: 'runtimeclasses' },
      { name: runtimeClassName },
    );
    if (!found) throw refuse(attributes, `pod rejected: RuntimeClass "${runtimeClassName}" not found`);
    return found as unknown as RuntimeClass;
  };
  const addScheduling = (attributes: AdmissionAttributes, spec: PodSpec, found: RuntimeClass): void => {
    for (const [key, value] of Object.entries(found.scheduling?.nodeSelector ?? {})) {
      const own = spec.nodeSelector?.[key];
      if (own !== undefined && own !== value)
        throw refuse(
          attributes,
          `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
        );
      spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
    }
    const merged = mergedTolerations([...(spec.tolerations ?? []), ...(found.scheduling?.tolerations ?? [])]);
    if (found.scheduling && merged.length > 0) spec.tolerations = merged;
  };
  return {
    name: 'RuntimeClass',
    operations: ['CREATE'],
    resources: ['/pods'],
    async mutate(attributes) {
      const spec = attributes.object?.spec as PodSpec | undefined;
      if (spec?.runtimeClassName === undefined) return false;
      const found = (await find(attributes, spec)) as RuntimeClass;
      const fixed = found.overhead?.podFixed;
      if (fixed) {
        if (spec.overhead && Object.keys(spec.overhead).length > 0 && !sameAmounts(spec.overhead, fixed))
          throw refuse(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
        spec.overhead = { ...fixed };
      }
      addScheduling(attributes, spec, found);
      return true;
    },
    async validate(attributes) {
      const spec = attributes.object?.spec as PodSpec | undefined;
      if (!spec || (!spec.overhead && !wasEmpty(spec, 'overhead'))) return;
      const found = await find(attributes, spec);
      if (!found?.overhead?.podFixed)
        throw refuse(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
      if (!sameAmounts(spec.overhead, found.overhead.podFixed))
        throw refuse(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    },
  };
}
