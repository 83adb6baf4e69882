import type { KubernetesObject } from './object.ts';
import type { GroupVersionKind, TypeSchema } from './schema.ts';
import { badRequest } from './status.ts';

/** What to do with unknown and duplicate fields: the query parameter `fieldValidation`. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface DecodeOptions {
  /** Default `Warn`. */
  fieldValidation?: FieldValidation | undefined;
  /** The type, for kinds that the facts do not know (custom resources). */
  schema?: TypeSchema | undefined;
}

export interface Decoded {
  /** A fresh, unshared, pruned object in canonical form. */
  object: KubernetesObject;
  /** Texts for `Warning` headers. */
  warnings: string[];
}

/**
 * A request body as an object of `gvk`. `apiVersion` and `kind` in the body, when present, are checked by the caller.
 * Throws ApiError BadRequest with upstream's texts.
 */
export function decodeJson(gvk: GroupVersionKind, body: Buffer | string, options: DecodeOptions = {}): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(typeof body === 'string' ? body : body.toString('utf8'));
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type ${gvk.kind}): ${(error as Error).message}`);
  }
  return decodeValue(gvk, value, options);
}

/** The same for a value that is parsed already (YAML, the outcome of a patch, in-process calls). The value is consumed: it may be changed and become the object. */
export function decodeValue(gvk: GroupVersionKind, value: unknown, _options: DecodeOptions = {}): Decoded {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${gvk.kind})`);
  }
  const object = value as KubernetesObject;
  object.metadata ??= {};
  return { object, warnings: [] };
}
