import { KnarrError, toError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Backend, Entry, EventBatch, StoreEvent } from '../backend.ts';
import type { Encryption } from './encryption.ts';
import { identity, looksSealed, type Opened, transformerOf } from './transformer.ts';

/** A backend whose values are sealed on the way in and opened on the way out. Keys are not secret. */
export interface EncryptedBackend extends Backend {
  /** Whether the same value, written again, would be stored with another key than it is now. */
  stale(key: string): boolean;
}

export function createEncryptedBackend(options: {
  backend: Backend;
  encryption: Encryption;
  log: Logger;
}): EncryptedBackend {
  const { backend, encryption, log } = options;
  /** What each value that concerns us is sealed with, as far as it was seen. */
  const labels = new Map<string, string>();

  const seal = (key: string, value: Buffer): Buffer => encryption.transformer(key)?.seal(value, key) ?? value;
  const noted = (entry: Entry, { value, label }: Opened): Entry => {
    labels.set(entry.key, label);
    return { ...entry, value };
  };
  const open = (entry: Entry): Entry | Promise<Entry> => {
    const transformer = encryption.transformer(entry.key) ?? (looksSealed(entry.value) ? transformerOf([]) : undefined);
    const opened = transformer?.open(entry.value, entry.key);
    if (opened === undefined) return entry;
    return opened instanceof Promise ? opened.then((done) => noted(entry, done)) : noted(entry, opened);
  };
  const openAll = async (entries: readonly Entry[]): Promise<readonly Entry[]> => {
    const all = entries.map(open);
    return all.some((entry) => entry instanceof Promise) ? Promise.all(all) : (all as Entry[]);
  };
  const openEvent = (event: StoreEvent): StoreEvent | Promise<StoreEvent> => {
    if (event.type === 'delete') {
      labels.delete(event.key);
      return event;
    }
    const entry = open(event.entry);
    if (entry === event.entry) return event;
    return entry instanceof Promise ? entry.then((done) => ({ ...event, entry: done })) : { ...event, entry };
  };

  return {
    async start() {
      await encryption.start();
      await backend.start();
    },
    async stop() {
      await backend.stop();
      encryption.stop();
    },
    currentRevision: () => backend.currentRevision(),
    compactedRevision: () => backend.compactedRevision(),
    compact: (revision) => backend.compact(revision),
    size: () => backend.size(),
    backup: (path) => backend.backup(path),
    async get(key) {
      const entry = await backend.get(key);
      return entry && (await open(entry));
    },
    async list(request) {
      const page = await backend.list(request);
      return { ...page, entries: await openAll(page.entries) };
    },
    async write(operation) {
      const { key, value } = operation;
      if (value === undefined) return backend.write(operation);
      const label = encryption.transformer(key)?.label();
      if (label === undefined) return backend.write(operation);
      const sealed = typeof value === 'function' ? (revision: number) => seal(key, value(revision)) : seal(key, value);
      const result = await backend.write({ ...operation, value: sealed });
      if (result.ok) labels.set(key, label);
      return result;
    },
    watch({ prefix, after, onEvents }) {
      // Values whose key must be asked for hold up what comes after them: events keep their order.
      let before: Promise<void> | undefined;
      let ended = false;
      const give = (batch: EventBatch): void => {
        if (!ended) onEvents(batch);
      };
      const end = backend.watch({
        prefix,
        after,
        onEvents(batch) {
          const events = openedEvents(batch.events);
          if (!before && !(events instanceof Promise)) {
            give(events === batch.events ? batch : { ...batch, events });
            return;
          }
          const turn = (before ?? Promise.resolve())
            .then(() => events)
            .then(
              (done) => give({ ...batch, events: done }),
              (error: unknown) => {
                ended = true;
                log.error('a change cannot be shown: its value cannot be opened', { error: toError(error).message });
              },
            )
            .finally(() => {
              if (before === turn) before = undefined;
            });
          before = turn;
        },
      });
      return () => {
        ended = true;
        end();
      };
    },
    stale(key) {
      const wanted = encryption.transformer(key)?.label();
      // What was seen while nothing was sealed is stored as it is.
      return wanted !== undefined && (labels.get(key) ?? identity.label()) !== wanted;
    },
  };

  function openedEvents(events: readonly StoreEvent[]): readonly StoreEvent[] | Promise<readonly StoreEvent[]> {
    let waiting = false;
    try {
      const all = events.map((event) => {
        const opened = openEvent(event);
        if (opened instanceof Promise) waiting = true;
        return opened;
      });
      return waiting ? Promise.all(all) : (all as StoreEvent[]);
    } catch (error) {
      const failed = Promise.reject(error instanceof KnarrError ? error : toError(error));
      failed.catch(() => {});
      return failed;
    }
  }
}
