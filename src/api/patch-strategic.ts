import { valueWord } from './canonical.ts';
import { printed } from './go-text.ts';
import { rejected } from './patch-json.ts';
import { type FieldSchema, type GroupVersionKind, schemaOf, type TypeSchema } from './schema.ts';
import { badRequest, plainFailure } from './status.ts';

type Struct = Record<string, unknown>;

const directive = '$patch';
const retainKeys = '$retainKeys';
const setOrderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/**
 * Strategic merge by the schema of a built-in kind. Returns the new document; `document` is not changed (unchanged parts
 * are shared with the result). Throws ApiError as upstream.
 */
export function applyStrategicPatch(gvk: GroupVersionKind, document: object, patch: object): object {
  return mergeMap(document as Struct, patch as Struct, schemaOf(gvk));
}

const isStruct = (value: unknown): value is Struct =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The field's strategy besides `retainKeys`: `merge`, `replace` or none. */
const strategyOf = (field: FieldSchema | undefined): string | undefined =>
  field?.patchStrategy.find((s) => s !== 'retainKeys');

function fieldOf(type: TypeSchema | undefined, key: string): FieldSchema | undefined {
  return type?.shape === 'struct' ? type.fields.get(key) : undefined;
}

function typeAt(type: TypeSchema | undefined, key: string): TypeSchema | undefined {
  return type?.shape === 'map' ? type.items : fieldOf(type, key)?.type;
}

function mergeMap(original: Struct, patch: Struct, type: TypeSchema | undefined): Struct {
  if (directive in patch) return directedMap(patch);
  const result = retained(original, patch);
  const done = mergeOrderedLists(result, patch, type);
  for (const [key, value] of Object.entries(patch)) {
    if (key === retainKeys || key.startsWith(setOrderPrefix) || done.has(key)) continue;
    const toDelete = key.startsWith(deletePrefix);
    const name = toDelete ? key.slice(deletePrefix.length) : key;
    if (value === null) {
      delete result[name];
      continue;
    }
    const current = result[name];
    if (current === undefined) {
      if (!toDelete) setStripped(result, name, value);
    } else if (isStruct(current) && isStruct(value)) {
      const replaces = strategyOf(fieldOf(type, name)) === 'replace';
      result[name] = replaces ? value : mergeMap(current, value, typeAt(type, name));
    } else if (Array.isArray(current) && Array.isArray(value)) {
      result[name] = toDelete ? without(current, value) : mergeList(current, value, type, name);
    } else if (!toDelete) {
      setStripped(result, name, value);
    }
  }
  return result;
}

function directedMap(patch: Struct): Struct {
  const what = patch[directive];
  if (what === 'delete') return {};
  if (what === 'replace') {
    const { [directive]: _, ...rest } = patch;
    return rest;
  }
  throw plainFailure(500, `unknown patch type: ${String(what)} in map: ${printed(patch)}`);
}

/** A copy of the original with only the keys that `$retainKeys` names, when it is there. */
function retained(original: Struct, patch: Struct): Struct {
  const keys = patch[retainKeys];
  if (keys === undefined) return { ...original };
  if (!Array.isArray(keys)) throw badRequest('invalid patch format of retainKeys');
  for (const [key, value] of Object.entries(patch)) {
    if (key === retainKeys || value === null || key.startsWith(deletePrefix) || key.startsWith(setOrderPrefix))
      continue;
    if (!keys.includes(key)) throw badRequest('invalid patch format of retainKeys');
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.includes(key)));
}

/** Sets a value with its nulls and directives taken out; nothing when it is only a directive. */
function setStripped(target: Struct, key: string, value: unknown): void {
  const kept = stripped(value);
  if (kept === undefined) delete target[key];
  else target[key] = kept;
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped).filter((v) => v !== undefined);
  if (!isStruct(value)) return value;
  if (directive in value) return undefined;
  const result: Struct = {};
  for (const [key, inner] of Object.entries(value)) {
    if (inner === null || key === retainKeys || key.startsWith(setOrderPrefix) || key.startsWith(deletePrefix))
      continue;
    const kept = stripped(inner);
    if (kept !== undefined) result[key] = kept;
  }
  return result;
}

function mergeList(current: unknown[], patch: unknown[], type: TypeSchema | undefined, key: string): unknown[] {
  const field = fieldOf(type, key);
  if (strategyOf(field) !== 'merge') return patch;
  const merged = mergedItems(current, patch, field);
  return ordered(merged, patch, current, field?.patchMergeKey);
}

/** Lists are merged whose elements are all of one of these. */
const elementKind = (value: unknown): string => {
  if (value === null) return 'null';
  const word = valueWord(value);
  return word === 'number' && !Number.isInteger(value) ? 'fraction' : word;
};

/** Items of both lists, in no particular order yet. */
function mergedItems(current: unknown[], patch: unknown[], field: FieldSchema | undefined): unknown[] {
  const sample = current[0] ?? patch[0];
  const kinds = [...current, ...patch].map(elementKind);
  if (kinds[0] === 'array') throw plainFailure(500, 'lists of lists are not supported');
  if (kinds.some((kind) => kind !== kinds[0]))
    throw plainFailure(500, `list element types are not identical: ${printed([current, patch])}`);
  if (!isStruct(sample)) return [...new Set([...current, ...patch])];
  const mergeKey = field?.patchMergeKey;
  if (!mergeKey) throw rejected(new Error(`cannot merge lists without merge key for ${field?.name ?? ''}`));
  let result = [...current] as Struct[];
  const items: Struct[] = [];
  let replace = false;
  for (const item of patch as Struct[]) {
    const what = item[directive];
    if (what === undefined) items.push(item);
    else if (what === 'replace') replace = true;
    else if (what === 'delete') {
      const value = keyOf(item, mergeKey);
      result = result.filter((r) => r[mergeKey] !== value);
    } else throw plainFailure(500, `unknown patch type: ${String(what)} in map: ${printed(item)}`);
  }
  if (replace) return items;
  for (const item of items) {
    const value = keyOf(item, mergeKey);
    const i = result.findIndex((r) => r[mergeKey] === value);
    const found = result[i];
    if (found) result[i] = mergeMap(found, item, field.type.items);
    else result.push(stripped(item) as Struct);
  }
  return result;
}

function keyOf(item: Struct, mergeKey: string): unknown {
  const value = item[mergeKey];
  if (value !== undefined) return value;
  throw plainFailure(500, `map: ${printed(item)} does not contain declared merge key: ${mergeKey}`);
}

const without = (current: unknown[], gone: unknown[]): unknown[] => current.filter((v) => !gone.includes(v));

/**
 * Items that the patch names in the patch's order, the others in the server's order, and both interleaved so that the
 * server's relative order holds where it says something.
 */
function ordered(
  merged: unknown[],
  patchOrder: unknown[],
  serverOrder: unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const identity = (v: unknown): unknown => (mergeKey && isStruct(v) ? v[mergeKey] : v);
  const positions = (list: unknown[]): Map<unknown, number> => {
    const map = new Map<unknown, number>();
    for (const [i, v] of list.entries()) if (!map.has(identity(v))) map.set(identity(v), i);
    return map;
  };
  const patched = positions(patchOrder);
  const served = positions(serverOrder);
  const by = (map: Map<unknown, number>) => (a: unknown, b: unknown) =>
    (map.get(identity(a)) ?? merged.length) - (map.get(identity(b)) ?? merged.length);
  const named = merged.filter((v) => patched.has(identity(v))).sort(by(patched));
  const others = merged.filter((v) => !patched.has(identity(v))).sort(by(served));
  const result: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < others.length && j < named.length) {
    const other = served.get(identity(others[i]));
    const name = served.get(identity(named[j]));
    const otherFirst = other !== undefined && name !== undefined && other < name;
    result.push(otherFirst ? others[i++] : named[j++]);
  }
  return [...result, ...others.slice(i), ...named.slice(j)];
}

/** Handles the lists that a `$setElementOrder` speaks of; gives the patch's keys that are done with it. */
function mergeOrderedLists(result: Struct, patch: Struct, type: TypeSchema | undefined): Set<string> {
  const done = new Set<string>();
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(setOrderPrefix)) continue;
    const name = key.slice(setOrderPrefix.length);
    const field = fieldOf(type, name);
    const current = result[name];
    const given = patch[name];
    for (const list of [order, current, given]) if (list !== undefined && !Array.isArray(list)) throw noList(list);
    if (type?.shape === 'struct' && !field) throw unknownField(type, name);
    const odd =
      field?.patchMergeKey && current !== undefined ? (order as unknown[]).findIndex((v) => !isStruct(v)) : -1;
    if (odd >= 0) throw plainFailure(500, `value for key ${odd} is not a map`);
    const gone = patch[deletePrefix + name];
    const server = Array.isArray(current) ? current : [];
    const kept = Array.isArray(gone) ? without(server, gone) : server;
    const change = Array.isArray(given) ? given : [];
    if (current === undefined && given === undefined) continue;
    checkOrder(change, order as unknown[], field?.patchMergeKey);
    const merged =
      current === undefined
        ? (stripped(change) as unknown[])
        : change.length === 0
          ? kept
          : strategyOf(field) === 'merge'
            ? mergedItems(kept, change, field)
            : change;
    result[name] = ordered(merged, order as unknown[], server, field?.patchMergeKey);
    done.add(name).add(deletePrefix + name);
  }
  return done;
}

const noList = (value: unknown): Error =>
  plainFailure(500, `expected a []interface {}, but received a ${goTypeOf(value)}`);

const unknownField = ({ name }: TypeSchema, field: string): Error =>
  plainFailure(
    500,
    `unable to find api field in struct ${name.split('.').at(-1)} for the json field ${JSON.stringify(field)}`,
  );

function goTypeOf(value: unknown): string {
  const word = valueWord(value);
  if (word === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return { object: 'map[string]interface {}', array: '[]interface {}' }[word] ?? word;
}

/** The patch's items must come in the order that the order list has. */
function checkOrder(items: unknown[], order: unknown[], mergeKey: string | undefined): void {
  const identity = (v: unknown): unknown => (mergeKey && isStruct(v) ? v[mergeKey] : v);
  let next = 0;
  for (const item of items) {
    if (isStruct(item) && directive in item) continue;
    if (isStruct(item) && mergeKey) keyOf(item, mergeKey);
    while (next < order.length && identity(order[next]) !== identity(item)) next++;
    if (next === order.length) {
      throw plainFailure(
        500,
        `The order in patch list:\n${printed(items)}\n doesn't match ${setOrderPrefix.slice(0, -1)} list:\n${printed(order)}\n`,
      );
    }
    next++;
  }
}
