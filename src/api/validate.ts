import type { StatusCause } from './gen/meta-v1.ts';
import type { KubernetesObject } from './object.ts';
import type { GroupVersionKind } from './schema.ts';

/**
 * What is wrong with a new object of a built-in kind (defaults applied); empty when nothing is. Give the result to
 * `invalid()` of `status.ts`. Object metadata is validated too: `namespaced` says which scope the resource has.
 */
export function validateCreate(
  _gvk: GroupVersionKind,
  _object: KubernetesObject,
  _options: { namespaced: boolean },
): StatusCause[] {
  return [];
}

/** The same for a change; `subresource` is '' for the object itself, or `status`, `scale`, … */
export function validateUpdate(
  _gvk: GroupVersionKind,
  _object: KubernetesObject,
  _old: KubernetesObject,
  _options: { namespaced: boolean; subresource?: string },
): StatusCause[] {
  return [];
}
