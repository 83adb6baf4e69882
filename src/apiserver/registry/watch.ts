import { apiVersionOf } from '../../api/object.ts';
import { KnarrError } from '../../base/errors.ts';
import type { Broadcaster } from './broadcaster.ts';
import type { Change } from './history.ts';
import { placeOfKey } from './keys.ts';
import type { Reading } from './list.ts';
import { completeWatchOptions } from './list-options.ts';
import { type Selection, selectionOf } from './selection.ts';
import { atRevision, type Kept, storedFromBytes } from './stored.ts';
import type { Maybe, Watch, WatchEvent, WatchOptions, WatchSink } from './types.ts';
import { reached, revisionOf, tooOld } from './versions.ts';
import { bookmark, eventOf, inNamespace, selectedEvent, wholeEvent } from './watch-events.ts';

export interface Watching extends Reading {
  readonly broadcaster: Broadcaster;
}

/** Starts a watch; what is there already is given before this returns. Throws ApiError, 410 when history is gone. */
export function watchObjects(watching: Watching, asked: WatchOptions, sink: WatchSink): Maybe<Watch> {
  const options = completeWatchOptions(asked);
  const { definition, hub } = watching;
  const selection = selectionOf(definition, options);
  const revision = revisionOf(options.resourceVersion);
  if (!options.sendInitialEvents) {
    if (revision === undefined || revision === 0) return follow(watching, options, selection, sink, hub.revision());
    return resume(watching, options, selection, sink, revision);
  }
  const begin = (): Watch => {
    const events = [...current(watching, selection)];
    watching.cache.counts.initialEvents += events.length;
    if (options.allowWatchBookmarks) events.push(bookmark(kindOf(watching), hub.revision(), true));
    if (events.length > 0) sink.onEvents(events);
    return follow(watching, options, selection, sink, hub.revision());
  };
  if (revision !== undefined && revision > hub.revision()) return reached(hub, revision).then(begin);
  return begin();
}

export function kindOf({ definition }: Reading): { apiVersion: string; kind: string } {
  return {
    apiVersion: apiVersionOf({ group: definition.group, version: definition.storageVersion }),
    kind: definition.kind,
  };
}

function* current({ cache }: Watching, selection: Selection): Iterable<WatchEvent> {
  for (const stored of cache.range(selection.namespace)) {
    if (!selection.matches || selection.matches(stored)) yield eventOf('ADDED', stored);
  }
}

/** From now on. */
function follow(
  { broadcaster }: Watching,
  options: WatchOptions,
  selection: Selection,
  sink: WatchSink,
  after: number,
): Watch {
  const remove = broadcaster.add({ selection, sink, after, bookmarks: options.allowWatchBookmarks ?? false });
  return { stop: remove };
}

/** From a revision of the past: out of the cache's history, or the backend's where that is too short. */
function resume(
  watching: Watching,
  options: WatchOptions,
  selection: Selection,
  sink: WatchSink,
  revision: number,
): Maybe<Watch> {
  const { cache, hub } = watching;
  const changes = cache.changesAfter(revision);
  if (!changes) return resumeFromBackend(watching, options, selection, sink, revision);
  giveChanges(watching, selection, sink, changes);
  return follow(watching, options, selection, sink, Math.max(revision, hub.revision()));
}

function giveChanges({ cache }: Watching, selection: Selection, sink: WatchSink, changes: readonly Change[]): void {
  const events: WatchEvent[] = [];
  for (const change of changes) {
    if (!inNamespace(selection, change.stored)) continue;
    const event = selection.matches ? selectedEvent(change, selection.matches, cache.fields) : wholeEvent(change);
    if (event) events.push(event);
  }
  if (events.length > 0) sink.onEvents(events);
}

async function resumeFromBackend(
  watching: Watching,
  options: WatchOptions,
  selection: Selection,
  sink: WatchSink,
  revision: number,
): Promise<Watch> {
  const { definition, backend, cache, hub } = watching;
  // What is volatile is not written change by change, so its history ends where memory does.
  if (definition.volatile) throw tooOld(revision, hub.revision());
  let last = revision;
  for (let changes = cache.changesAfter(last); !changes; changes = cache.changesAfter(last)) {
    const until = hub.revision();
    try {
      giveChanges(watching, selection, sink, await storedChanges(watching, last, until));
    } catch (error) {
      if (error instanceof KnarrError && error.code === 'compacted')
        throw tooOld(revision, backend.compactedRevision());
      throw error;
    }
    last = until;
  }
  return resume(watching, options, selection, sink, last);
}

/** Changes in the backend's log, with what was before each of them. */
async function storedChanges(
  { backend, cache, definition }: Watching,
  after: number,
  until: number,
): Promise<Change[]> {
  const { fields, prefix } = cache;
  const make = (key: string, value: Buffer, revision: number): Kept =>
    storedFromBytes({ key, place: placeOfKey(key, prefix, definition.namespaced), revision, fields }, value);
  const { entries } = await backend.list({ prefix, revision: after });
  const state = new Map(entries.map(({ key, value, modRevision }) => [key, make(key, value, modRevision)]));
  const { promise, resolve } = Promise.withResolvers<Change[]>();
  const stop = backend.watch({
    prefix,
    after,
    onEvents({ events }) {
      const changes: Change[] = [];
      for (const event of events) {
        if (event.revision > until) break;
        const previous = state.get(event.key);
        if (event.type === 'put') {
          const stored = make(event.key, event.entry.value, event.revision);
          state.set(event.key, stored);
          changes.push({ type: previous ? 'MODIFIED' : 'ADDED', revision: event.revision, stored, previous });
        } else if (previous) {
          state.delete(event.key);
          const stored = atRevision(previous, event.revision, fields);
          changes.push({ type: 'DELETED', revision: event.revision, stored, previous });
        }
      }
      resolve(changes);
    },
  });
  const changes = await promise;
  stop();
  return changes;
}
