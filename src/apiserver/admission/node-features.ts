import { sameValue } from '../../api/equal.ts';
import type { Node, PodSpec } from '../../api/gen/core-v1.ts';
import { lookUp } from '../registry/look-up.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from './plugin.ts';

/** What a node must be able to do for an update of a pod, by the name under which it declares that, in order. */
const needs: Readonly<Record<string, (spec: PodSpec, old: PodSpec) => boolean>> = {
  InPlacePodLevelResourcesVerticalScaling: (spec, old) => !sameValue(spec.resources, old.resources),
  InPlacePodVerticalScalingInitContainers: (spec, old) =>
    (old.initContainers ?? []).some(
      (container, i) =>
        container.restartPolicy !== 'Always' && !sameValue(container.resources, spec.initContainers?.[i]?.resources),
    ),
};

/** A pod that runs is not changed in ways that its node has not declared to know. */
export function nodeDeclaredFeatures(context: AdmissionContext): AdmissionPlugin {
  return {
    name: 'NodeDeclaredFeatureValidator',
    operations: ['UPDATE'],
    resources: ['/pods', '/pods/resize'],
    validate(a) {
      const { object, oldObject } = a;
      const spec = object?.spec as PodSpec | undefined;
      const old = oldObject?.spec as PodSpec | undefined;
      if (!spec?.nodeName || !old || object?.metadata.generation === oldObject?.metadata.generation) return undefined;
      const needed = Object.keys(needs).filter((name) => needs[name]?.(spec, old));
      if (needed.length === 0) return undefined;
      return lookUp(context.registry(), { group: '', resource: 'nodes' }, { name: spec.nodeName }).then((found) => {
        const node = found as unknown as Node | undefined;
        const name = JSON.stringify(spec.nodeName);
        if (!node) throw refuse(a, `node ${name} not found`);
        const missing = needed.filter((feature) => !node.status?.declaredFeatures?.includes(feature));
        if (missing.length > 0)
          throw refuse(a, `pod update requires features ${missing.join(', ')} which are not available on node ${name}`);
      });
    },
  };
}
