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
  /** Watchers of everything get the very same array. */
  const whole = new Set<Watcher>();
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

  function onChanges(changes: readonly Change[]): void {
    if (all.size === 0 || changes.length === 0) return;
    if (whole.size > 0) {
      const events = changes.map(wholeEvent);
      const oldest = changes[0]?.revision ?? 0;
      for (const watcher of whole) {
        if (oldest > watcher.after) watcher.sink.onEvents(events);
        else give(watcher, changes);
      }
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
      if (key !== undefined) {
        group = byKey.get(key) ?? new Set();
        byKey.set(key, group);
      } else if (!watcher.selection.matches && watcher.selection.namespace === '') {
        group = whole;
      }
      group.add(watcher);
      return () => {
        all.delete(watcher);
        group.delete(watcher);
        if (key !== undefined && group.size === 0) byKey.delete(key);
      };
    },
    bookmark(kind, revision) {
      let event: WatchEvent | undefined;
      for (const watcher of all) {
        if (!watcher.bookmarks || revision <= watcher.after) continue;
        event ??= bookmark(kind, revision, false);
        watcher.sink.onEvents([event]);
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
