import { sameValue } from '../equal.ts';
import { type FieldSchema, type Shape, type TypeSchema, untyped } from '../schema.ts';
import { emptySet, type FieldSet, insert } from './field-set.ts';

/** A place in a schema: what a value there is and how it is owned and merged. */
export type Spot = Pick<FieldSchema, 'type' | 'listType' | 'listMapKeys' | 'mapType'>;

/** The difference of two values, as paths. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

type Struct = Record<string, unknown>;
type Kind = 'leaf' | 'map' | 'list';

const deducedType = untyped({ deduced: true });

const spots = new WeakMap<TypeSchema, Spot>();

/** The place of a type itself: a root, a list's item, a map's value. */
export function spotOf(type: TypeSchema | undefined): Spot {
  const of = type ?? deducedType;
  let spot = spots.get(of);
  if (!spot) {
    spot = { type: of, listType: undefined, listMapKeys: [], mapType: undefined };
    spots.set(of, spot);
  }
  return spot;
}

/** A field of a struct or a key of a map; undefined where the schema has no such field. */
export function childSpot(spot: Spot, key: string): Spot | undefined {
  if (spot.type.shape === 'struct') return spot.type.fields.get(key);
  return spotOf(spot.type.items);
}

const isObject = (v: unknown): v is Struct => typeof v === 'object' && v !== null && !Array.isArray(v);

/** How what is at a place is owned: as a whole, by its fields, or by its items. */
export function kindOf(spot: Spot, value: unknown): Kind {
  const { shape } = spot.type;
  if (shape === 'any') return spot.type.deduced && isObject(value) ? 'map' : 'leaf';
  if (spot.mapType === 'atomic' || spot.type.atomic) return 'leaf';
  if (shape === 'struct' || shape === 'map') return 'map';
  if (shape === 'list') return spot.listType === 'map' || spot.listType === 'set' ? 'list' : 'leaf';
  return 'leaf';
}

/** An item of a list by keys has none: nothing can be said of who owns it. */
export class KeylessItem extends Error {}

const zeroKeys: Readonly<Partial<Record<Shape, unknown>>> = { string: '', int32: 0, int64: 0, boolean: false };

/** What a key is where an item does not say it: its default, which upstream has for all that always appear. */
function defaultKey(type: TypeSchema | undefined, key: string): unknown {
  const field = type?.fields.get(key);
  if (field === undefined) return undefined;
  const isZero = field.presence === 'always' || type?.name === 'io.k8s.api.core.v1.LocalObjectReference';
  return field.default ?? (isZero ? zeroKeys[field.type.shape] : undefined);
}

function keysOf(spot: Spot, item: unknown): [string, unknown][] {
  const keys: [string, unknown][] = [];
  for (const key of spot.listMapKeys) {
    const value = (item as Struct)[key] ?? defaultKey(spot.type.items, key);
    if (value !== undefined && value !== null) keys.push([key, value]);
  }
  return keys;
}

export const isKeyless = (spot: Spot, item: unknown): boolean =>
  spot.listType === 'map' && keysOf(spot, item).length === 0;

/** The step that names an item of an associative list. Throws KeylessItem. */
export function itemStep(spot: Spot, item: unknown): string {
  if (spot.listType === 'set') return `v:${JSON.stringify(item)}`;
  const keys = keysOf(spot, item);
  if (keys.length === 0) throw new KeylessItem('an item of a list has none of the keys of the list');
  keys.sort(([a], [b]) => (a < b ? -1 : 1));
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

function itemsByStep(spot: Spot, list: unknown): Map<string, unknown> {
  const items = new Map<string, unknown>();
  if (Array.isArray(list)) {
    for (const item of list) {
      const step = itemStep(spot, item);
      if (!items.has(step)) items.set(step, item);
    }
  }
  return items;
}

/** Steps that name several items of a list, with these: they are owned as a whole. */
function doubledSteps(spot: Spot, list: unknown, items: ReadonlyMap<string, unknown>): Map<string, unknown[]> {
  const doubled = new Map<string, unknown[]>();
  if (!Array.isArray(list) || items.size === list.length) return doubled;
  for (const item of list) {
    const step = itemStep(spot, item);
    doubled.set(step, [...(doubled.get(step) ?? []), item]);
  }
  for (const [step, all] of doubled) if (all.length < 2) doubled.delete(step);
  return doubled;
}

const length = (value: unknown): number => {
  if (Array.isArray(value)) return value.length;
  if (!isObject(value)) return 0;
  for (const _ in value) return 1;
  return 0;
};

export function compare(spot: Spot, before: unknown, after: unknown): Comparison {
  const result: Comparison = { added: emptySet(), modified: emptySet(), removed: emptySet() };
  walk(spot, before, after, [], result);
  return result;
}

function walk(spot: Spot, before: unknown, after: unknown, path: string[], result: Comparison): void {
  if (before === after) return;
  const kind = kindOf(spot, after ?? before);
  if (kind === 'leaf' || (length(before) === 0 && length(after) === 0)) {
    if (before === undefined) insert(result.added, path);
    else if (after === undefined) insert(result.removed, path);
    else if (!sameValue(before, after)) insert(result.modified, path);
    return;
  }
  if (kind === 'map') walkMap(spot, before, after, path, result);
  else walkList(spot, before, after, path, result);
  if (before === undefined) insert(result.added, path);
  else if (after === undefined) insert(result.removed, path);
}

function walkMap(spot: Spot, before: unknown, after: unknown, path: string[], result: Comparison): void {
  const old = isObject(before) ? before : {};
  const now = isObject(after) ? after : {};
  const visit = (key: string): void => {
    const child = childSpot(spot, key) ?? spotOf(undefined);
    path.push(`f:${key}`);
    walk(child, old[key], now[key], path, result);
    path.pop();
  };
  for (const key in now) visit(key);
  for (const key in old) if (!(key in now)) visit(key);
}

function walkList(spot: Spot, before: unknown, after: unknown, path: string[], result: Comparison): void {
  const old = itemsByStep(spot, before);
  const now = itemsByStep(spot, after);
  const items = spotOf(spot.type.items);
  const doubled = doubledSteps(spot, after, now);
  const visit = (step: string): void => {
    path.push(step);
    const all = doubled.get(step);
    if (!all) walk(items, old.get(step), now.get(step), path, result);
    else if (!old.has(step)) insert(result.added, path);
    else if (!sameValue(all, doubledSteps(spot, before, old).get(step))) insert(result.modified, path);
    path.pop();
  };
  for (const step of now.keys()) visit(step);
  for (const step of old.keys()) if (!now.has(step)) visit(step);
}

/** All paths that a value sets. */
export function fieldsOf(spot: Spot, value: unknown): FieldSet {
  const set = emptySet();
  collect(spot, value, [], set);
  return set;
}

function collect(spot: Spot, value: unknown, path: string[], set: FieldSet): void {
  const kind = kindOf(spot, value);
  if (kind === 'leaf') {
    insert(set, path);
  } else if (kind === 'map') {
    for (const [key, inner] of Object.entries(isObject(value) ? value : {})) {
      const child = childSpot(spot, key);
      path.push(`f:${key}`);
      collect(child ?? spotOf(undefined), inner, path, set);
      const isEntry = spot.type.shape !== 'struct' || !child;
      if (isEntry || inner === null || (isObject(inner) && length(inner) === 0)) insert(set, path);
      path.pop();
    }
  } else {
    const items = itemsByStep(spot, value);
    const doubled = doubledSteps(spot, value, items);
    for (const [step, item] of items) {
      path.push(step);
      if (!doubled.has(step)) collect(spotOf(spot.type.items), item, path, set);
      insert(set, path);
      path.pop();
    }
  }
}

/** `given` laid over `live`. Neither is changed; parts are shared. */
export function merge(spot: Spot, live: unknown, given: unknown): unknown {
  if (given === undefined) return live;
  if (live === undefined || live === null) return given;
  const kind = kindOf(spot, given);
  // Null says nothing of what has parts of its own.
  if (given === null && kind !== 'leaf') return live;
  if (kind === 'map' && isObject(live) && isObject(given)) {
    const result = { ...live };
    for (const [key, value] of Object.entries(given)) {
      result[key] = merge(childSpot(spot, key) ?? spotOf(undefined), live[key], value);
    }
    return result;
  }
  return kind === 'list' && Array.isArray(live) && Array.isArray(given) ? mergeList(spot, live, given) : given;
}

/** Items that both have keep the order of `given`; those only in `live` stay before what followed them. */
function mergeList(spot: Spot, live: unknown[], given: unknown[]): unknown[] {
  const items = spotOf(spot.type.items);
  const old = itemsByStep(spot, live);
  const now = itemsByStep(spot, given);
  const left = [...old.keys()];
  const right = [...now.keys()];
  const shared = right.filter((step) => old.has(step));
  const result: unknown[] = [];
  const done = new Set<string>();
  let i = 0;
  let j = 0;
  let next = 0;
  while (i < left.length || j < right.length) {
    const l = left[i];
    const r = right[j];
    if (
      l !== undefined &&
      r !== undefined &&
      l !== r &&
      now.has(l) &&
      shared[next] !== undefined &&
      shared[next] !== l
    ) {
      i++;
    } else if (l !== undefined && !now.has(l)) {
      result.push(old.get(l));
      i++;
    } else if (l !== undefined && done.has(l)) {
      i++;
    } else if (r !== undefined) {
      result.push(merge(items, old.get(r), now.get(r)));
      done.add(r);
      if (shared[next] === r) next++;
      j++;
      if (l === r) i++;
    } else {
      i++;
    }
  }
  return result;
}

/**
 * `value` without what `mine` names and `others` does not: what an applier gave up and nobody else holds.
 */
export function prune(spot: Spot, value: unknown, mine: FieldSet, others: FieldSet): unknown {
  if (Array.isArray(value)) {
    const result: unknown[] = [];
    for (const item of value) {
      const step = itemStep(spot, item);
      const own = mine.children?.get(step);
      const other = others.children?.get(step);
      if (own?.member && !other) continue;
      result.push(own && other ? prune(spotOf(spot.type.items), item, own, other) : item);
    }
    return result;
  }
  if (!isObject(value)) return value;
  const result: Struct = {};
  for (const [key, inner] of Object.entries(value)) {
    const own = mine.children?.get(`f:${key}`);
    const other = others.children?.get(`f:${key}`);
    if (own && !other) continue;
    const child = childSpot(spot, key) ?? spotOf(undefined);
    const goesIn = own?.children && other && kindOf(child, inner) !== 'leaf';
    result[key] = goesIn ? prune(child, inner, own, other) : inner;
  }
  return result;
}
