import { badRequest } from './status.ts';

/** RFC 6902. Returns the new document; `document` is not changed. Throws ApiError (400 or 422) as upstream. */
export function applyJsonPatch(_document: unknown, _patch: unknown): unknown {
  throw badRequest('JSON patch is not there yet');
}
