import type { StoreEvent } from '../../store/backend.ts';
import { prefixEnd } from '../../store/table.ts';
import { fieldReader } from './fields.ts';
import { type Change, createHistory } from './history.ts';
import { keyOf, placeOfKey, resourcePrefix } from './keys.ts';
import { createSortedMap } from './sorted-map.ts';
import { atRevision, type FieldReader, type Kept, storedFromBytes } from './stored.ts';
import type { CacheCounts, Place, ResourceDefinition } from './types.ts';

/**
 * All objects of one resource as they are durable, the changes that led there, and what is still on its way to disk.
 * Fed by the hub, in revision order; a listener hears of each batch once it can be read here.
 */
export interface Cache {
  readonly prefix: string;
  readonly fields: FieldReader;
  readonly size: number;
  /** Since the start; who reads from here counts that here. */
  readonly counts: CacheCounts;
  key(place: Place): string;
  get(key: string): Kept | undefined;
  /** Durable objects of a namespace ('' for all) with keys from `start` on, in key order. */
  range(namespace: string, start?: string): IterableIterator<Kept>;
  /** Where the object will stand when all that is on its way has arrived; `undefined`: nothing is on its way. */
  onItsWay(key: string): Kept | 'deleted' | undefined;
  /** A write was handed to the backend; `undefined` deletes. */
  expect(key: string, revision: number, stored: Kept | undefined): void;
  /** The write came to nothing. */
  forget(key: string, revision: number): void;
  /** Changes after `revision` in order; undefined when they are no longer all here. */
  changesAfter(revision: number): readonly Change[] | undefined;
  /** The objects of a namespace as they stood at `revision`; undefined when that is no longer known here. */
  rangeAt(revision: number, namespace: string, start: string): Kept[] | undefined;
  load(entries: readonly { key: string; value: Buffer; modRevision: number }[], revision: number): void;
  apply(events: readonly StoreEvent[]): void;
  listen(listener: (changes: readonly Change[]) => void): () => void;
}

export function createCache(
  definition: Pick<ResourceDefinition, 'group' | 'resource' | 'namespaced' | 'selectableFields'>,
): Cache {
  const prefix = resourcePrefix(definition);
  const fields = fieldReader(definition);
  const items = createSortedMap<Kept>();
  const history = createHistory();
  const listeners = new Set<(changes: readonly Change[]) => void>();
  /** By key, the newest write on its way; by revision, what each of them will store. */
  const newest = new Map<string, { revision: number; stored: Kept | undefined }>();
  const expected = new Map<number, Kept>();
  const counts: CacheCounts = { received: 0, dispatched: 0, initialEvents: 0, newestLists: 0, fetched: 0 };

  const bounds = (namespace: string): { start: string; end: string } => {
    const range = namespace === '' ? prefix : `${prefix}${namespace}/`;
    return { start: range, end: prefixEnd(range) };
  };
  const storedOf = (event: StoreEvent & { type: 'put' }): Kept => {
    const known = expected.get(event.revision);
    if (known) {
      expected.delete(event.revision);
      return known;
    }
    const place = placeOfKey(event.key, prefix, definition.namespaced);
    return storedFromBytes({ key: event.key, place, revision: event.revision, fields }, event.entry.value);
  };
  const applied = (event: StoreEvent): Change | undefined => {
    if (newest.get(event.key)?.revision === event.revision) newest.delete(event.key);
    const previous = items.get(event.key);
    if (event.type === 'put') {
      const stored = storedOf(event);
      items.set(event.key, stored);
      return { type: previous ? 'MODIFIED' : 'ADDED', revision: event.revision, stored, previous };
    }
    if (!previous) return undefined;
    items.delete(event.key);
    const stored = atRevision(previous, event.revision, fields);
    return { type: 'DELETED', revision: event.revision, stored, previous };
  };

  return {
    prefix,
    fields,
    get size() {
      return items.size;
    },
    counts,
    key: (place) => keyOf(prefix, place),
    get: (key) => items.get(key),
    range(namespace, start) {
      const range = bounds(namespace);
      return items.range(start ?? range.start, range.end);
    },
    onItsWay(key) {
      const write = newest.get(key);
      return write && (write.stored ?? 'deleted');
    },
    expect(key, revision, stored) {
      newest.set(key, { revision, stored });
      if (stored) expected.set(revision, stored);
    },
    forget(key, revision) {
      if (newest.get(key)?.revision === revision) newest.delete(key);
      expected.delete(revision);
    },
    changesAfter: (revision) => history.after(revision),
    rangeAt(revision, namespace, start) {
      const changes = history.after(revision);
      if (!changes) return undefined;
      const range = bounds(namespace);
      const inRange = (key: string): boolean => key >= start && key < range.end;
      const then = new Map<string, Kept | undefined>();
      for (const { stored, previous } of changes.toReversed()) if (inRange(stored.key)) then.set(stored.key, previous);
      const now = [...items.range(start, range.end)];
      if (then.size === 0) return now;
      const back = [...then.values()].filter((stored) => stored !== undefined);
      return [...now.filter((stored) => !then.has(stored.key)), ...back].sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    load(entries, revision) {
      for (const { key, value, modRevision } of entries) {
        const place = placeOfKey(key, prefix, definition.namespaced);
        items.set(key, storedFromBytes({ key, place, revision: modRevision, fields }, value));
      }
      history.startAt(revision);
    },
    apply(events) {
      counts.received += events.length;
      const changes = events.flatMap((event) => applied(event) ?? []);
      counts.dispatched += changes.length;
      history.add(changes);
      for (const listener of listeners) listener(changes);
      for (const { stored } of changes) stored.settle();
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
