import { wasEmpty } from '../canonical.ts';
import type { Problems } from './problems.ts';
import { isSchema, type Schema } from './structural-schema.ts';

/** What a definition's schema may say at all. Upstream: `ValidateCustomResourceDefinitionOpenAPISchema`. */

const schemaTypes = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const metaFields = ['apiVersion', 'kind', 'metadata'];
const outermost = /^spec\.(validation\.openAPIV3Schema|versions\[\d+\]\.schema\.openAPIV3Schema)/;

interface Place {
  isRoot: boolean;
  /** Within the metadata of a resource. */
  isMeta: boolean;
  /** Why there may be no default; undefined where there may. */
  noDefaults: string | undefined;
}

export function validateDefinitionSchema(p: Problems, path: string, schema: Schema): void {
  validateSchema(p, path, schema, { isRoot: true, isMeta: false, noDefaults: undefined });
}

const unsupportedFields = [
  'id',
  'additionalItems',
  'patternProperties',
  'definitions',
  'dependencies',
  '$ref',
] as const;

function validateWords(p: Problems, path: string, schema: Schema, { isMeta, noDefaults }: Place): void {
  const { type } = schema;
  if (type && !schemaTypes.includes(type)) p.unsupported(`${path}.type`, type, schemaTypes);
  if (schema.default !== undefined && noDefaults !== undefined) {
    p.forbidden(`${path}.default`, `must not be set ${noDefaults}`);
  }
  for (const field of unsupportedFields) {
    if (schema[field] !== undefined || (field === 'dependencies' && wasEmpty(schema, field))) {
      p.forbidden(`${path}.${field}`, `${field} is not supported`);
    }
  }
  if (type === 'null') p.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative');
  if (Array.isArray(schema.items)) p.forbidden(`${path}.items`, 'items must be a schema object and not an array');
  if (isMeta && schema['x-kubernetes-embedded-resource']) {
    p.forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta');
  }
  if (schema.$schema) {
    const [at = path] = outermost.exec(path) ?? [];
    p.invalid(at, '', "OpenAPIV3Schema 'schema' is not supported");
  }
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    p.forbidden(`${path}.uniqueItems`, why);
  }
}

function validateSchema(p: Problems, path: string, schema: Schema, place: Place): void {
  validateWords(p, path, schema, place);
  const inner: Place = { ...place, isRoot: false };
  const { additionalProperties: more, items, properties = {} } = schema;
  if (more !== undefined && Object.keys(properties).length > 0 && more !== true) {
    p.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive');
  }
  if (isSchema(more)) {
    const noDefaults = place.isMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults;
    validateSchema(p, `${path}.additionalProperties`, more, { ...inner, noDefaults });
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = (place.isRoot || schema['x-kubernetes-embedded-resource'] === true) && metaFields.includes(name);
    const noDefaults = isMeta && place.isRoot ? `in top-level ${name}` : place.noDefaults;
    validateSchema(p, `${path}.properties[${name}]`, property as unknown as Schema, {
      isRoot: false,
      isMeta: isMeta || place.isMeta,
      noDefaults,
    });
  }
  if (schema.not) validateSchema(p, `${path}.not`, schema.not as unknown as Schema, inner);
  for (const list of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [i, one] of (schema[list] ?? []).entries()) {
      validateSchema(p, `${path}.${list}[${i}]`, one as unknown as Schema, inner);
    }
  }
  if (isSchema(items)) validateSchema(p, `${path}.items`, items, inner);
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    p.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined');
  }
  validateTypeOf(p, path, schema, 'map', 'object', ['atomic', 'granular']);
  validateTypeOf(p, path, schema, 'list', 'array', ['atomic', 'set', 'map']);
  validateList(p, path, schema);
}

function validateTypeOf(
  p: Problems,
  path: string,
  schema: Schema,
  what: 'list' | 'map',
  type: string,
  supported: readonly string[],
): void {
  const name = `x-kubernetes-${what}-type` as const;
  const given = schema[name] as string | undefined;
  if (given === undefined) return;
  const why = `must be ${type} if ${name} is specified`;
  if (!schema.type) p.required(`${path}.type`, why);
  else if (schema.type !== type) p.invalid(`${path}.type`, schema.type, why);
  p.known(`${path}.${name}`, given, supported);
}

const listTypeField = 'x-kubernetes-list-type';
const keysField = 'x-kubernetes-list-map-keys';

function validateList(p: Problems, path: string, schema: Schema): void {
  const listType = schema[listTypeField] as string | undefined;
  const keys = (schema[keysField] as string[] | undefined) ?? [];
  const items = isSchema(schema.items) ? schema.items : undefined;
  if (listType === 'set' && schema.type === 'array' && items) validateSetItems(p, `${path}.items`, items);
  if (keys.length > 0 && listType !== 'map') {
    const why = `must be map if ${keysField} is non-empty`;
    if (listType === undefined) p.required(`${path}.${listTypeField}`, why);
    else p.invalid(`${path}.${listTypeField}`, listType, why);
  }
  if (listType === 'map') validateMapList(p, path, items, keys);
  if (items && (listType === 'map' || listType === 'set') && items.nullable) {
    p.forbidden(`${path}.items.nullable`, `cannot be nullable when ${listTypeField} is ${listType}`);
  }
  if (items && listType === 'map') validateKeyProperties(p, `${path}.items`, items, keys);
}

/** Members of a set are compared as a whole. */
function validateSetItems(p: Problems, path: string, items: Schema): void {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items[listTypeField];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    p.invalid(`${path}.${listTypeField}`, listType, why);
  } else if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    p.invalid(`${path}.x-kubernetes-map-type`, listType ?? null, why);
  }
}

function validateMapList(p: Problems, path: string, items: Schema | undefined, keys: readonly string[]): void {
  if (keys.length === 0) p.required(`${path}.${keysField}`, `must not be empty if ${listTypeField} is map`);
  if (!items) {
    p.required(`${path}.items`, `must have a schema if ${listTypeField} is map`);
    return;
  }
  if (items.type !== 'object') {
    p.invalid(`${path}.items.type`, items.type ?? '', `must be object if parent array's ${listTypeField} is map`);
    return;
  }
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (!property) p.invalid(`${path}.${keysField}`, keys, 'entries must all be names of item properties');
    else if (property.type === 'array' || property.type === 'object') {
      const why = `must be a scalar type if parent array's ${listTypeField} is map`;
      p.invalid(`${path}.items.properties[${key}].type`, items.type, why);
    }
    if (keys.indexOf(key) < i) p.invalid(`${path}.${keysField}`, keys, 'must not contain duplicate entries');
  }
}

/** By what members are told from one another is always there. */
function validateKeyProperties(p: Problems, path: string, items: Schema, keys: readonly string[]): void {
  for (const key of keys) {
    const property = items.properties?.[key];
    if (!property) continue;
    const at = `${path}.properties[${key}]`;
    const is = `this property is in ${keysField}, so it`;
    if (!items.required?.includes(key) && property.default === undefined) {
      p.required(`${at}.default`, `${is} must have a default or be a required property`);
    }
    if (property.nullable) p.forbidden(`${at}.nullable`, `${is} cannot be nullable`);
  }
}
