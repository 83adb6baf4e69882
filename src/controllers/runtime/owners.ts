import type { OwnerReference } from '../../api/gen/meta-v1.ts';
import { apiVersionOf, type KubernetesObject, type Resource } from '../../api/object.ts';

export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((r) => r.controller === true);
}

export function isControlledBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

export function controllerRef<T extends KubernetesObject>(resource: Resource<T>, owner: T): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The key of the object's controller when that is of the given resource. */
export function ownerKey<T extends KubernetesObject>(
  resource: Resource<T>,
  object: KubernetesObject,
): string | undefined {
  const ref = controllerOf(object);
  if (ref?.kind !== resource.kind || ref.apiVersion.split('/')[0] !== apiVersionOf(resource).split('/')[0])
    return undefined;
  return object.metadata.namespace ? `${object.metadata.namespace}/${ref.name}` : ref.name;
}
