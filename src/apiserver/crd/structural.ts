import type { JSONSchemaProps } from '../../api/gen/apiextensions-v1.ts';

/** A structural schema as CustomResourceDefinitions hold it. */
export type Schema = JSONSchemaProps & {
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
};

export type Json = unknown;
export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const itemsOf = (schema: Schema): Schema | undefined => {
  const { items } = schema as { items?: unknown };
  return (Array.isArray(items) ? items[0] : items) as Schema | undefined;
};

export const additionalOf = (schema: Schema): Schema | boolean | undefined =>
  (schema as { additionalProperties?: Schema | boolean }).additionalProperties;

const child = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** Fields that every embedded resource has. */
const resourceFields = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Removes in place what the schema does not know; gives the paths of what was removed. The top level keeps apiVersion,
 * kind and metadata.
 */
export function prune(value: Json, schema: Schema, isResource = true, path = ''): string[] {
  const removed: string[] = [];
  visit(value, schema, isResource, path, removed);
  return removed;
}

function visit(value: Json, schema: Schema | undefined, isResource: boolean, path: string, removed: string[]): void {
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema);
    if (!items && schema?.['x-kubernetes-preserve-unknown-fields']) return;
    const embedded = items?.['x-kubernetes-embedded-resource'] ?? false;
    for (const [i, item] of value.entries()) visit(item, items, embedded, `${path}[${i}]`, removed);
    return;
  }
  if (!isObject(value)) return;
  const preserve = schema?.['x-kubernetes-preserve-unknown-fields'] ?? false;
  const additional = schema && additionalOf(schema);
  for (const key of Object.keys(value)) {
    if (isResource && resourceFields.has(key)) continue;
    const property = schema?.properties?.[key] as Schema | undefined;
    if (property)
      visit(value[key], property, property['x-kubernetes-embedded-resource'] ?? false, child(path, key), removed);
    else if (isObject(additional))
      visit(
        value[key],
        additional as Schema,
        (additional as Schema)['x-kubernetes-embedded-resource'] ?? false,
        child(path, key),
        removed,
      );
    else if (!preserve && additional !== true) {
      delete value[key];
      removed.push(child(path, key));
    }
  }
}

/** Removes in place each null where the schema allows none and has no default to put there. */
export function pruneNulls(value: Json, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const item of value) pruneNulls(item, items);
  } else if (isObject(value)) {
    const additional = additionalOf(schema);
    const others = isObject(additional) ? (additional as Schema) : undefined;
    for (const [key, item] of Object.entries(value)) {
      const property = (schema.properties?.[key] as Schema | undefined) ?? others;
      if (!property) continue;
      if (item === null && !property.nullable && property.default === undefined) delete value[key];
      else pruneNulls(item, property);
    }
  }
}

/**
 * Fills what the schema gives defaults for, in place; a null where null is not allowed counts as absent. True when there
 * was anything to fill.
 */
export function fillDefaults(value: Json, schema: Schema | undefined): boolean {
  if (!schema) return false;
  let filled = false;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const item of value) filled = fillDefaults(item, items) || filled;
    return filled;
  }
  if (!isObject(value)) return false;
  for (const [key, property] of Object.entries(schema.properties ?? {}) as [string, Schema][]) {
    if (value[key] === null && !property.nullable && property.default !== undefined) delete value[key];
    if (value[key] === undefined && property.default !== undefined) {
      value[key] = structuredClone(property.default);
      filled = true;
    }
    if (value[key] !== undefined) filled = fillDefaults(value[key], property) || filled;
  }
  const additional = additionalOf(schema);
  if (isObject(additional))
    for (const [key, item] of Object.entries(value))
      if (!schema.properties?.[key]) filled = fillDefaults(item, additional as Schema) || filled;
  return filled;
}

/** Whether there is a default anywhere in the schema. */
export function hasDefaults(schema: Schema | undefined): boolean {
  if (!schema) return false;
  const additional = additionalOf(schema);
  return (
    schema.default !== undefined ||
    hasDefaults(itemsOf(schema)) ||
    (isObject(additional) && hasDefaults(additional as Schema)) ||
    Object.values(schema.properties ?? {}).some((property) => hasDefaults(property as Schema))
  );
}
