import type { KubernetesObject } from './object.ts';
import type { GroupVersionKind } from './schema.ts';

/** Texts for `Warning` headers about deprecated or useless fields of a created or changed object. */
export function deprecationWarnings(
  _gvk: GroupVersionKind,
  _object: KubernetesObject,
  _old?: KubernetesObject,
): string[] {
  return [];
}
