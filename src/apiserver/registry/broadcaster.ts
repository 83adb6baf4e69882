import type { Cache } from './cache.ts';
import type { Change } from './history.ts';
import type { Selection } from './selection.ts';
import type { WatchEvent, WatchSink } from './types.ts';
import { bookmark, inNamespace, selectedEvent, wholeEvent } from './watch-events.ts';

export interface Watcher {
  readonly selection: Selection;
  readonly sink: WatchSink;
  /** Changes up to this revision were given already, or are not wanted. */
  readonly after: number;
  readonly bookmarks: boolean;
}

/** Gives the changes of one resource to its watchers; those of a single object cost nothing for the others. */
export interface Broadcaster {
  add(watcher: Watcher): () => void;
  /** Tells those who want bookmarks how far everything has come. */
  bookmark(kind: { apiVersion: string; kind: string }, revision: number): void;
  readonly watchers: number;
  closeAll(): void;
}

export function createBroadcaster(cache: Cache): Broadcaster {
  const all = new Set<Watcher>();
  /** Watchers of everything in a namespace, or ('') in all of them: those of one get the very same array. */
  const whole = new Map<string, Set<Watcher>>();
  const byKey = new Map<string, Set<Watcher>>();
  const others = new Set<Watcher>();

  const keyOfSelection = ({ namespace, name }: Selection): string | undefined =>
    name === undefined ? undefined : cache.key({ namespace, name });

  function give(watcher: Watcher, changes: readonly Change[]): void {
    const { selection, sink, after } = watcher;
    const events: WatchEvent[] = [];
    for (const change of changes) {
      if (change.revision <= after || !inNamespace(selection, change.stored)) continue;
      const event = selection.matches ? selectedEvent(change, selection.matches, cache.fields) : wholeEvent(change);
      if (event) events.push(event);
    }
    if (events.length > 0) sink.onEvents(events);
  }

  function giveWhole(namespace: string, changes: readonly Change[]): void {
    const group = whole.get(namespace);
    if (!group) return;
    const events = changes.map(wholeEvent);
    const oldest = changes[0]?.revision ?? 0;
    for (const watcher of group) {
      if (oldest > watcher.after) watcher.sink.onEvents(events);
      else give(watcher, changes);
    }
  }

  function onChanges(changes: readonly Change[]): void {
    if (all.size === 0 || changes.length === 0) return;
    if (whole.size > 0) {
      giveWhole('', changes);
      for (const [namespace, some] of byNamespace(changes)) giveWhole(namespace, some);
    }
    for (const watcher of others) give(watcher, changes);
    if (byKey.size === 0) return;
    for (const change of changes) {
      for (const watcher of byKey.get(change.stored.key) ?? []) give(watcher, [change]);
    }
  }
  cache.listen(onChanges);

  return {
    add(watcher) {
      const key = keyOfSelection(watcher.selection);
      all.add(watcher);
      let group = others;
      const { namespace, matches } = watcher.selection;
      if (key !== undefined) group = groupOf(byKey, key);
      else if (!matches) group = groupOf(whole, namespace);
      group.add(watcher);
      return () => {
        all.delete(watcher);
        group.delete(watcher);
        if (group.size > 0) return;
        if (key !== undefined) byKey.delete(key);
        else if (!matches) whole.delete(namespace);
      };
    },
    bookmark(kind, revision) {
      let events: readonly WatchEvent[] | undefined;
      for (const watcher of all) {
        if (!watcher.bookmarks || revision <= watcher.after) continue;
        events ??= [bookmark(kind, revision, false)];
        watcher.sink.onEvents(events);
      }
    },
    get watchers() {
      return all.size;
    },
    closeAll() {
      for (const { sink } of [...all]) sink.onClose();
      all.clear();
      whole.clear();
      byKey.clear();
      others.clear();
    },
  };
}

function groupOf(groups: Map<string, Set<Watcher>>, key: string): Set<Watcher> {
  let group = groups.get(key);
  if (!group) {
    group = new Set();
    groups.set(key, group);
  }
  return group;
}

/** Changes of namespaced objects, by their namespace. */
function byNamespace(changes: readonly Change[]): Map<string, readonly Change[]> {
  const first = changes[0]?.stored.namespace ?? '';
  if (changes.every(({ stored }) => stored.namespace === first)) return new Map(first === '' ? [] : [[first, changes]]);
  return Map.groupBy(changes, ({ stored }) => stored.namespace);
}
