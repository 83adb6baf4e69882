import { sameValue } from '../equal.ts';
import type { JSONSchemaProps } from '../gen/apiextensions-v1.ts';
import { Problems } from './problems.ts';

/** What makes a schema structural: each value has one known form. Upstream: `apiextensions-apiserver/pkg/apiserver/schema`. */

export type Schema = Omit<JSONSchemaProps, 'items' | 'additionalProperties'> & {
  items?: Schema | Schema[] | undefined;
  additionalProperties?: Schema | boolean | undefined;
} & Readonly<Record<`x-kubernetes-${string}`, unknown>>;

type Level = 'field' | 'item' | 'root';

export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isFlag = (schema: Schema, name: string): boolean => schema[`x-kubernetes-${name}`] === true;

const isEmbedded = (schema: Schema): boolean => isFlag(schema, 'embedded-resource');
const isFree = (schema: Schema): boolean => isFlag(schema, 'preserve-unknown-fields');
const isEither = (schema: Schema): boolean => isFlag(schema, 'int-or-string');

/** The one alternative of types that is allowed. */
const either = [{ type: 'integer' }, { type: 'string' }];

const propertiesOf = (schema: Schema): [string, Schema][] =>
  Object.entries(schema.properties ?? {}) as unknown as [string, Schema][];

const alternatives = ['anyOf', 'allOf', 'oneOf'] as const;

/** Everything that is wrong with the structure of a schema, in the order of its texts. */
export function structuralProblems(path: string, given: JSONSchemaProps): Problems {
  const schema = given as unknown as Schema;
  const p = new Problems();
  // What says that unknown fields are not kept, instead of nothing, has no structure to look at.
  if (JSON.stringify(schema).includes('"x-kubernetes-preserve-unknown-fields":false')) return p;
  validateStructure(p, path, schema, 'root');
  validateComplete(p, schema, schema, path, path);
  p.causes.sort((a, b) => (`${a.field}: ${a.message}` < `${b.field}: ${b.message}` ? -1 : 1));
  return p;
}

const untyped: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function validateType(p: Problems, path: string, schema: Schema, level: Level): void {
  const { type = '' } = schema;
  const embedded = 'must be object if x-kubernetes-embedded-resource is true';
  if (isEmbedded(schema) && type !== 'object') {
    if (type === '') p.required(`${path}.type`, embedded);
    else p.invalid(`${path}.type`, type, embedded);
  } else if (type === '' && !isEither(schema) && !isFree(schema)) p.required(`${path}.type`, untyped[level]);
  if (level === 'root' && type !== '' && type !== 'object') {
    p.invalid(`${path}.type`, type, 'must be object at the root');
  }
}

function validateExtensions(p: Problems, path: string, schema: Schema): void {
  if (!isEither(schema)) return;
  for (const name of ['preserve-unknown-fields', 'embedded-resource']) {
    const why = 'must be false if x-kubernetes-int-or-string is true';
    if (isFlag(schema, name)) p.invalid(`${path}.x-kubernetes-${name}`, true, why);
  }
}

function validateResourceFields(p: Problems, path: string, schema: Schema, level: Level): void {
  const isResource = level === 'root' || isEmbedded(schema);
  const { kind, apiVersion, metadata } = (schema.properties ?? {}) as unknown as Record<string, Schema | undefined>;
  const at = (name: string): string => `${path}.properties[${name}].type`;
  if (isResource && kind && kind.type !== 'string') p.invalid(at('kind'), kind.type ?? '', 'must be string');
  if (isResource && apiVersion && apiVersion.type !== 'string') {
    p.invalid(at('apiVersion'), apiVersion.type ?? '', 'must be string');
  }
  if (!metadata) return;
  if (isResource && metadata.type !== 'object') p.invalid(at('metadata'), metadata.type ?? '', 'must be object');
  if (level !== 'root') return;
  const { type: _, default: __, properties = {}, ...rest } = metadata;
  const named = Object.keys(properties).every((name) => name === 'name' || name === 'generateName');
  if (named && Object.values(rest).every((value) => value === undefined)) return;
  const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
  p.forbidden(`${path}.properties[metadata]`, why);
}

function validateStructure(p: Problems, path: string, schema: Schema, level: Level): void {
  const { items, additionalProperties: more } = schema;
  if (schema.type === 'array' && !items) p.required(`${path}.items`, 'must be specified');
  if (isSchema(items)) validateStructure(p, `${path}.items`, items, 'item');
  for (const [name, inner] of propertiesOf(schema)) {
    validateStructure(p, `${path}.properties[${name}]`, inner, 'field');
  }
  if (more !== undefined && level === 'root')
    p.forbidden(`${path}.additionalProperties`, 'must not be used at the root');
  if (isSchema(more)) validateStructure(p, `${path}.additionalProperties`, more, 'field');
  validateExtensions(p, path, schema);
  const first = schema.allOf?.[0]?.anyOf;
  validateValues(p, path, schema, {
    skipAny: sameValue(schema.anyOf, either),
    skipFirstAny: sameValue(first, either),
  });
  validateType(p, path, schema, level);
  if (isEmbedded(schema) && more !== undefined) {
    p.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set');
  }
  validateResourceFields(p, path, schema, level);
  if (isEmbedded(schema) && !isFree(schema) && propertiesOf(schema).length === 0) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    p.required(`${path}.properties`, why);
  }
}

interface Skips {
  skipAny?: boolean;
  skipFirstAny?: boolean;
}

/** What is asked of values in other ways than by their form. */
function validateValues(p: Problems, path: string, schema: Schema, { skipAny, skipFirstAny }: Skips): void {
  for (const list of alternatives) {
    if (list === 'anyOf' && skipAny) continue;
    for (const [i, inner] of ((schema[list] ?? []) as unknown as Schema[]).entries()) {
      const skips = list === 'allOf' && i === 0 && skipFirstAny ? { skipAny: true } : {};
      validateNested(p, `${path}.${list}[${i}]`, inner, skips);
    }
  }
  if (schema.not) validateNested(p, `${path}.not`, schema.not as unknown as Schema, {});
}

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0);

/** What only the structure of a schema may say. */
const ofStructure: readonly (readonly [string, string])[] = [
  ['type', 'empty'],
  ['additionalProperties', 'undefined'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
];

function validateNested(p: Problems, path: string, schema: Schema, skips: Skips): void {
  validateValues(p, path, schema, skips);
  if (isSchema(schema.items)) validateNested(p, `${path}.items`, schema.items, {});
  for (const [name, inner] of propertiesOf(schema)) validateNested(p, `${path}.properties[${name}]`, inner, {});
  for (const [field, must] of ofStructure) {
    const value = (schema as Record<string, unknown>)[field];
    const given = must === 'undefined' ? value !== undefined : isSet(value);
    if (given) p.forbidden(`${path}.${field}`, `must be ${must} to be structural`);
  }
  if (schema.properties?.metadata) {
    p.forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context');
  }
}

/** What is asked of a value has its place in the structure too. */
function validateComplete(p: Problems, values: Schema, at: Schema, path: string, from: string): void {
  const nested = (inner: Schema, where: string): void => validateNestedComplete(p, inner, at, path, where);
  if (values.not) nested(values.not as unknown as Schema, `${from}.not`);
  for (const list of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [i, inner] of ((values[list] ?? []) as unknown as Schema[]).entries())
      nested(inner, `${from}.${list}[${i}]`);
  }
}

function validateNestedComplete(p: Problems, values: Schema, at: Schema | undefined, path: string, from: string): void {
  if (!at) {
    p.required(path, `because it is defined in ${from}`);
    return;
  }
  validateComplete(p, values, at, path, from);
  if (isSchema(values.items)) {
    const items = isSchema(at.items) ? at.items : undefined;
    validateNestedComplete(p, values.items, items, `${path}.items`, `${from}.items`);
  }
  for (const [name, inner] of propertiesOf(values)) {
    const own = at.properties?.[name] as unknown as Schema | undefined;
    validateNestedComplete(p, inner, own, `${path}.properties[${name}]`, `${from}.properties[${name}]`);
  }
}
