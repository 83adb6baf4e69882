import { parseExact } from '../base/exact-json.ts';
import { canonicalValue, isTypeError, newWalk, valueWord, type Walk } from './canonical.ts';
import { jsonSyntaxError } from './json-syntax.ts';
import type { KubernetesObject } from './object.ts';
import { apiVersionOf } from './object.ts';
import { type GroupVersionKind, namedType, schemaOf, type TypeSchema, untyped } from './schema.ts';
import { badRequest } from './status.ts';
import { parseAsGiven, scanText, strictProblems } from './strict-json.ts';
import { noteLeftovers } from './unstored.ts';

/** What to do with unknown and duplicate fields: the query parameter `fieldValidation`. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface DecodeOptions {
  /** Default `Warn`. */
  fieldValidation?: FieldValidation | undefined;
  /** The type, for kinds that the facts do not know (custom resources). */
  schema?: TypeSchema | undefined;
  /** The JSON text that the value was parsed from: finds what parsing hides, as fields that stand twice in it. */
  text?: string | undefined;
  /** Whether the value is the outcome of a strategic merge, which upstream has in memory and never writes as JSON. */
  merged?: boolean | undefined;
}

export interface Decoded {
  /** A fresh, unshared, pruned object in canonical form; `apiVersion` and `kind` are those of the kind asked for. */
  object: KubernetesObject;
  /** Texts for `Warning` headers. */
  warnings: string[];
}

/**
 * A request body as an object of `gvk`. `apiVersion` and `kind` in the body, when present, are checked by the caller
 * (`kindInBody`). Throws ApiError BadRequest with upstream's texts.
 */
export function decodeJson(gvk: GroupVersionKind, body: Buffer | string, options: DecodeOptions = {}): Decoded {
  const text = typeof body === 'string' ? body : body.toString('utf8');
  return decoded(gvk, parseJson(text, gvk.kind), text, options);
}

/** JSON text as a value; `kind` is for the message. Throws ApiError BadRequest. */
export function parseJson(text: string, kind: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    const why = `couldn't get version/kind; json parse error: ${jsonSyntaxError(text) ?? (error as Error).message}`;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(Buffer.from(text))})`,
    );
  }
}

/** What Go says of a value that should tell its kind and cannot. */
export const notKinded = (value: unknown): string =>
  `json: cannot unmarshal ${valueWord(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;

const shownBytes = 30;

/** What of a body a message shows: its beginning, in hexadecimal where it is no object of JSON. */
export function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const begin = bytes.subarray(0, shownBytes).toString(bytes[0] === 0x7b ? 'utf8' : 'hex');
  return `${begin}${bytes.length > shownBytes ? ' ...' : ''}`;
}

/**
 * The same for a value that is parsed already (YAML, protobuf, the outcome of a patch, in-process calls). The value is
 * consumed: it may be changed and parts of it become the object. Never give it a frozen one.
 */
export function decodeValue(gvk: GroupVersionKind, value: unknown, options: DecodeOptions = {}): Decoded {
  return decoded(gvk, value, options.text, options);
}

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

function decoded(gvk: GroupVersionKind, value: unknown, text: string | undefined, options: DecodeOptions): Decoded {
  const validation = options.fieldValidation ?? 'Warn';
  const type = options.schema ?? schemaOf(gvk);
  const walk = newWalk(options.merged);
  const scan = text === undefined ? undefined : scanText(text);
  const walkAsGiven = () => text !== undefined && walked(gvk, type, parseAsGiven(text), newWalk());
  const object = cannotBeHandled(gvk, () => {
    try {
      return walked(gvk, type, value, walk);
    } catch (error) {
      // It may be said otherwise of numbers as they were given.
      if (isTypeError(error)) walkAsGiven();
      throw error;
    }
  });
  if (scan?.fractions) cannotBeHandled(gvk, walkAsGiven);
  if (validation === 'Ignore') return { object, warnings: [] };
  const problems =
    text !== undefined && scan?.keys !== walk.keys
      ? strictProblems(text, type)
      : [...new Set(walk.unknown)].map((path) => `unknown field ${JSON.stringify(path)}`);
  if (options.merged) problems.sort();
  if (validation === 'Strict' && problems.length > 0) {
    throw badRequest(handledText(gvk, `strict decoding error: ${problems.join(', ')}`));
  }
  return { object, warnings: problems };
}

const handledText = (gvk: GroupVersionKind, why: string): string =>
  `${gvk.kind} in version ${JSON.stringify(gvk.version)} cannot be handled as a ${gvk.kind}: ${why}`;

function cannotBeHandled<T>(gvk: GroupVersionKind, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (isTypeError(error)) throw badRequest(handledText(gvk, error.message));
    throw error;
  }
}

function walked(gvk: GroupVersionKind, type: TypeSchema | undefined, value: unknown, walk: Walk): KubernetesObject {
  const head = { kind: gvk.kind, apiVersion: apiVersionOf(gvk) };
  if (type) {
    const goType = `${gvk.version}.${gvk.kind}`;
    const object = canonicalValue(type, value, goType, walk) as KubernetesObject;
    const decoded = { ...head, ...object, ...head };
    noteLeftovers(decoded, object, walk);
    return decoded;
  }
  // A kind without a type: the metadata is checked, the rest is the caller's.
  const object = canonicalValue(anything, value, gvk.kind, walk) as { metadata?: unknown };
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw badRequest(
      handledText(
        gvk,
        `json: cannot unmarshal ${Array.isArray(object) ? 'array' : typeof object} into Go value of type map[string]interface {}`,
      ),
    );
  }
  const inner = newWalk();
  inner.path.push('metadata');
  const metadata = canonicalValue(namedType(objectMeta), object.metadata ?? {}, 'v1.ObjectMeta', inner);
  walk.unknown.push(...inner.unknown);
  return { ...head, ...object, ...head, metadata } as KubernetesObject;
}

const anything = untyped({ goType: 'interface {}' });
