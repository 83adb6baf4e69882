import { canonicalValue, isTypeError, newWalk } from '../../api/canonical.ts';
import type { ObjectMeta, StatusCause } from '../../api/gen/meta-v1.ts';
import { isDns1035Label, isPathSegment } from '../../api/names.ts';
import { namedType } from '../../api/schema.ts';
import { validateMetadata } from '../../api/validation/metadata.ts';
import { Problems } from '../../api/validation/problems.ts';
import { additionalOf, isObject, itemsOf, type Json, type JsonObject, type Schema } from './structural.ts';

const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The object that embeds others is looked at by other rules. */
const withoutRoot = (schema: Schema): Schema => ({ ...schema, 'x-kubernetes-embedded-resource': false });

/** Does something with each object that stands for a resource of its own within an object, from the outside in. */
function eachEmbedded(value: Json, schema: Schema, path: string, act: (found: JsonObject, path: string) => void): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const [i, item] of value.entries()) eachEmbedded(item, items, `${path}[${i}]`, act);
    return;
  }
  if (!isObject(value)) return;
  if (schema['x-kubernetes-embedded-resource']) act(value, path);
  const additional = additionalOf(schema);
  for (const [key, item] of Object.entries(value)) {
    const property = schema.properties?.[key] as Schema | undefined;
    if (property) eachEmbedded(item, property, child(path, key), act);
    else if (isObject(additional)) eachEmbedded(item, additional as Schema, `${path}[${key}]`, act);
  }
}

const objectMeta = namedType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

/** A value of an embedded object that cannot be what it is called. */
export class EmbeddedTypeError extends Error {
  readonly causes: StatusCause[];

  constructor({ causes }: Pick<Problems, 'causes'>) {
    super(causes.map(({ field, message }) => `${field}: ${message}`).join(', '));
    this.causes = causes;
  }
}

function coerceMetadata(object: JsonObject, path: string): string[] {
  const walk = newWalk();
  const given = structuredClone(object.metadata);
  try {
    const metadata = canonicalValue(objectMeta, object.metadata ?? {}, 'v1.ObjectMeta', walk) as JsonObject;
    if (metadata.creationTimestamp === null) delete metadata.creationTimestamp;
    object.metadata = metadata;
  } catch (error) {
    if (!isTypeError(error)) throw error;
    const problems = new Problems();
    problems.invalid(path, given, error.message);
    throw new EmbeddedTypeError(problems);
  }
  return walk.unknown.map((field) => `${path}.${field}`);
}

/**
 * Brings the metadata of embedded objects in place to the form that metadata has; gives the paths of what it does not
 * know there, which is gone. Throws EmbeddedTypeError.
 */
export const coerceEmbedded = (object: Json, schema: Schema): string[] => coerce(object, withoutRoot(schema), '');

function coerce(object: Json, schema: Schema, root: string): string[] {
  const unknown: string[] = [];
  eachEmbedded(object, schema, root, (found, path) => {
    const problems = new Problems();
    for (const name of ['apiVersion', 'kind'])
      if (found[name] !== undefined && typeof found[name] !== 'string')
        problems.invalid(child(path, name), found[name], 'must be a string');
    if (problems.causes.length > 0) throw new EmbeddedTypeError(problems);
    if ('metadata' in found) unknown.push(...coerceMetadata(found, child(path, 'metadata')));
  });
  return unknown.sort();
}

function typeProblems(p: Problems, value: JsonObject, path: string): void {
  for (const name of ['apiVersion', 'kind'] as const) {
    const field = child(path, name);
    const text = value[name];
    if (text === undefined) p.required(field);
    else if (typeof text !== 'string') p.invalid(field, text, 'must be a string');
    else if (text === '') p.invalid(field, text, 'must not be empty');
    else if (name === 'apiVersion') {
      if (text.split('/').length > 2) p.invalid(field, text, `unexpected GroupVersion string: ${text}`);
    } else {
      const wrong = isDns1035Label(text.toLowerCase());
      const said = 'may have mixed case, but should otherwise match: ';
      if (wrong.length > 0) p.invalid(field, text, said + wrong.join(','));
    }
  }
}

/** Names only have to be fit for paths; what a name is the beginning of need not be fit on its own. */
const name = isPathSegment;
const prefix = (text: string): string[] => isPathSegment(`${text}-`);

function metadataProblems(p: Problems, metadata: Json, path: string): void {
  if (!isObject(metadata)) return;
  // An embedded object may be without a name, and says itself whether it is of a namespace.
  const named = { ...metadata, name: metadata.name || 'fakename' } as ObjectMeta;
  validateMetadata(p, named, { namespaced: Boolean(metadata.namespace), name, prefix, knownFinalizers: false }, path);
}

/** Objects within the object that stand for resources of their own say what they are, and have metadata as others do. */
export const embeddedProblems = (object: Json, schema: Schema): StatusCause[] =>
  problemsOf(object, withoutRoot(schema), '');

function problemsOf(object: Json, schema: Schema, root: string): StatusCause[] {
  const p = new Problems();
  eachEmbedded(object, schema, root, (found, path) => {
    typeProblems(p, found, path);
    metadataProblems(p, found.metadata, child(path, 'metadata'));
  });
  return p.causes;
}

/** The same of a value at a path, which may stand for a resource itself and is not altered. */
export function valueProblems(value: Json, schema: Schema, path: string): StatusCause[] {
  try {
    coerce(structuredClone(value), schema, path);
  } catch (error) {
    if (!(error instanceof EmbeddedTypeError)) throw error;
    return error.causes;
  }
  return problemsOf(value, schema, path);
}
