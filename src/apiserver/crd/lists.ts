import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { additionalOf, isObject, itemsOf, type Json, type Schema } from './structural.ts';

/** What tells an item of a list that is a set, or a map by keys, from the others; undefined: nothing has to. */
function identityOf(schema: Schema): ((item: Json) => Json) | undefined {
  if (schema['x-kubernetes-list-type'] === 'set') return (item) => item;
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys) return undefined;
  return (item) =>
    Object.fromEntries(
      keys
        .filter((key) => isObject(item) && item[key] !== undefined)
        .map((key) => [key, (item as Record<string, Json>)[key]]),
    );
}

/** Items that are in a list twice and must not be: of more than two the second is told. */
export function listProblems(value: Json, schema: Schema, path = ''): StatusCause[] {
  if (Array.isArray(value)) return arrayProblems(value, schema, path);
  if (!isObject(value)) return [];
  const additional = additionalOf(schema);
  return Object.entries(value).flatMap(([key, item]) => {
    const property = schema.properties?.[key] as Schema | undefined;
    if (property) return listProblems(item, property, path === '' ? key : `${path}.${key}`);
    return isObject(additional) ? listProblems(item, additional as Schema, `${path}[${key}]`) : [];
  });
}

function arrayProblems(value: Json[], schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const identity = identityOf(schema);
  const seen = new Map<string, number>();
  for (const [i, item] of identity ? value.entries() : []) {
    const own = (identity as (item: Json) => Json)(item);
    const text = JSON.stringify(own);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    if (times === 1)
      causes.push({ reason: 'FieldValueDuplicate', field: `${path}[${i}]`, message: `Duplicate value: ${text}` });
  }
  const items = itemsOf(schema);
  if (items) causes.push(...value.flatMap((item, i) => listProblems(item, items, `${path}[${i}]`)));
  return causes;
}
