import type { PodSpec } from '../../api/gen/core-v1.ts';
import type { PriorityClass } from '../../api/gen/scheduling-v1.ts';
import { lookUp } from '../registry/look-up.ts';
import { type AdmissionContext, type AdmissionPlugin, listAll, refuse } from './plugin.ts';

const classes = { group: 'scheduling.k8s.io', resource: 'priorityclasses' };

/** A pod's priority comes from its class, or from the class that is the cluster's default. */
export function priority(context: AdmissionContext): AdmissionPlugin {
  const defaultClass = async (): Promise<PriorityClass | undefined> => {
    const all = (await listAll(context, classes)) as unknown as PriorityClass[];
    return all.filter((c) => c.globalDefault).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
  };
  return {
    name: 'Priority',
    operations: ['CREATE', 'UPDATE'],
    resources: ['/pods', 'scheduling.k8s.io/priorityclasses'],
    async mutate(attributes) {
      const { object, operation, oldObject } = attributes;
      if (attributes.resource !== 'pods' || !object) return false;
      const spec = object.spec as PodSpec;
      if (operation === 'UPDATE') {
        const old = (oldObject?.spec ?? {}) as PodSpec;
        if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority;
        if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined)
          spec.preemptionPolicy = old.preemptionPolicy;
        return true;
      }
      let found: PriorityClass | undefined;
      if (!spec.priorityClassName) {
        found = await defaultClass();
        if (found?.metadata?.name) spec.priorityClassName = found.metadata.name;
      } else {
        found = (await lookUp(context.registry(), classes, { name: spec.priorityClassName })) as unknown as
          | PriorityClass
          | undefined;
        if (!found) throw refuse(attributes, `no PriorityClass with name ${spec.priorityClassName} was found`);
      }
      const value = found?.value ?? 0;
      if (spec.priority !== undefined && spec.priority !== value)
        throw refuse(
          attributes,
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
      if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
        throw refuse(
          attributes,
          `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      spec.priority = value;
      spec.preemptionPolicy = policy;
      return true;
    },
    async validate(attributes) {
      if (attributes.resource !== 'priorityclasses') return;
      const object = attributes.object as unknown as PriorityClass | undefined;
      if (!object?.globalDefault) return;
      const first = await defaultClass();
      if (first && (attributes.operation === 'CREATE' || first.metadata?.name !== object.metadata?.name))
        throw refuse(
          attributes,
          `PriorityClass ${first.metadata?.name} is already marked as default. Only one default can exist`,
        );
    },
  };
}
