import type { Change } from './history.ts';
import type { Selection } from './selection.ts';
import { atRevision, type FieldReader, type Kept, ownBytes } from './stored.ts';
import type { Frozen, Stored, WatchEvent, WatchEventType } from './types.ts';

const openings = Object.fromEntries(
  (['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'] as const).map((type) => [
    type,
    Buffer.from(`{"type":"${type}","object":`),
  ]),
) as Record<WatchEventType, Buffer>;
const closing = Buffer.from('}\n');

class StoredEvent implements WatchEvent {
  readonly type: WatchEventType;
  readonly stored: Stored;
  readonly revision: number;
  #frame: Buffer | undefined;

  constructor(type: WatchEventType, stored: Stored, revision: number) {
    this.type = type;
    this.stored = stored;
    this.revision = revision;
  }

  get frame(): Buffer {
    this.#frame ??= Buffer.concat([openings[this.type], this.stored.bytes, closing]);
    return this.#frame;
  }
}

/** The frames of many events in one piece. */
export function jsonFrames(batches: readonly (readonly WatchEvent[])[]): Buffer {
  let size = 0;
  for (const events of batches)
    for (const { type, stored } of events) size += openings[type].length + stored.bytes.length + closing.length;
  const frames = Buffer.allocUnsafe(size);
  let at = 0;
  for (const events of batches) {
    for (const { type, stored } of events) {
      at += openings[type].copy(frames, at);
      at += stored.bytes.copy(frames, at);
      at += closing.copy(frames, at);
    }
  }
  return frames;
}

export function eventOf(type: WatchEventType, stored: Stored, revision = stored.revision): WatchEvent {
  return new StoredEvent(type, stored, revision);
}

/** What somebody who watches the whole resource gets of a change. Made once. */
export function wholeEvent(change: Change): WatchEvent {
  change.events ??= {};
  change.events.whole ??= eventOf(change.type, change.stored);
  return change.events.whole;
}

/**
 * What a watcher of a selection gets of a change: an object that comes to match is ADDED, one that ceases to is
 * DELETED (as it was before, at the revision of the change).
 */
export function selectedEvent(
  change: Change,
  matches: (stored: Kept) => boolean,
  fields: FieldReader,
): WatchEvent | undefined {
  const { type, stored, previous } = change;
  const before = previous !== undefined && matches(previous);
  const now = type !== 'DELETED' && matches(stored);
  if (now && before) return wholeEvent(change);
  if (type === 'DELETED') return before ? wholeEvent(change) : undefined;
  if (!now && !before) return undefined;
  if (type === 'ADDED') return wholeEvent(change);
  change.events ??= {};
  if (now) {
    change.events.entering ??= eventOf('ADDED', stored);
    return change.events.entering;
  }
  change.events.leaving ??= eventOf('DELETED', atRevision(previous as Kept, change.revision, fields));
  return change.events.leaving;
}

/** Whether a key is in the part of the keys that a selection looks at. */
export function inNamespace(selection: Selection, stored: Kept): boolean {
  return selection.namespace === '' || stored.namespace === selection.namespace;
}

/** A BOOKMARK: says up to where everything was delivered. */
export function bookmark(
  kind: { apiVersion: string; kind: string },
  revision: number,
  initialEventsEnd: boolean,
): WatchEvent {
  const object = {
    kind: kind.kind,
    apiVersion: kind.apiVersion,
    metadata: {
      resourceVersion: String(revision),
      ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  };
  return eventOf('BOOKMARK', plainStored(object, revision), revision);
}

/** An object that is not in the store, in the form of one that is. */
export function plainStored(object: object, revision: number): Stored {
  const { metadata } = object as Frozen;
  return {
    key: '',
    namespace: '',
    name: '',
    revision,
    bytes: ownBytes(JSON.stringify(object)),
    object: object as Frozen,
    metadata,
  };
}
