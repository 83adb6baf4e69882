import type { Logger } from '../../base/log.ts';
import type { Backend, Entry, EventBatch } from '../../store/backend.ts';
import type { Cache } from './cache.ts';
import { prefixOfKey, root } from './keys.ts';

/** Feeds every resource's cache from the one watch of the backend, and knows how far that has come. */
export interface Hub {
  /** Reads everything and follows. */
  start(): Promise<void>;
  stop(): void;
  /** Everything up to this revision can be read in the caches. */
  revision(): number;
  /** Snapshots from before this revision are no longer given, however much of them is still known. */
  oldest(): number;
  /** Sets `oldest`, which never goes back. */
  expire(revision: number): void;
  /** Resolves when `revision` can be read, with true; with false when that has not come in time. */
  reach(revision: number, timeoutMs: number): Promise<boolean>;
  /** Adds a resource's cache, filled when this resolves. */
  attach(cache: Cache): Promise<void>;
  detach(cache: Cache): void;
}

const pageSize = 2_000;

export function createHub({ backend, log }: { backend: Backend; log: Logger }): Hub {
  const caches = new Map<string, Cache>();
  const loading = new Map<string, EventBatch[]>();
  const waiting = new Set<{ revision: number; resolve: (reached: boolean) => void }>();
  let delivered = 0;
  let oldest = 0;
  let stopWatch: (() => void) | undefined;

  function onEvents(batch: EventBatch): void {
    delivered = batch.revision;
    if (batch.events.length > 0) for (const [prefix, events] of byResource(batch)) give(prefix, { ...batch, events });
    for (const waiter of waiting) {
      if (waiter.revision > delivered) continue;
      waiting.delete(waiter);
      waiter.resolve(true);
    }
  }

  function give(prefix: string, batch: EventBatch): void {
    const held = loading.get(prefix);
    if (held) held.push(batch);
    else caches.get(prefix)?.apply(batch.events);
  }

  async function* pages(prefix: string, revision: number): AsyncIterable<readonly Entry[]> {
    for (let start: string | undefined = prefix; start !== undefined; ) {
      const { entries, count } = await backend.list({ prefix, start, limit: pageSize, revision });
      yield entries;
      const last = entries.at(-1);
      start = last && count > entries.length ? `${last.key}\0` : undefined;
    }
  }

  return {
    async start() {
      const revision = await backend.currentRevision();
      let objects = 0;
      for await (const entries of pages(root, revision)) {
        for (const [prefix, group] of grouped(entries)) caches.get(prefix)?.load(group, revision);
        objects += entries.length;
      }
      for (const cache of caches.values()) cache.load([], revision);
      delivered = revision;
      stopWatch = backend.watch({ prefix: root, after: revision, onEvents });
      log.debug('read the datastore', { objects, revision });
    },
    stop() {
      stopWatch?.();
      stopWatch = undefined;
      for (const { resolve } of waiting) resolve(false);
      waiting.clear();
    },
    revision: () => delivered,
    oldest: () => oldest,
    expire(revision) {
      oldest = Math.max(oldest, revision);
    },
    reach(revision, timeoutMs) {
      if (revision <= delivered) return Promise.resolve(true);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => {
        waiting.delete(waiter);
        resolve(false);
      }, timeoutMs);
      const waiter = {
        revision,
        resolve(reached: boolean) {
          clearTimeout(timer);
          resolve(reached);
        },
      };
      waiting.add(waiter);
      return promise;
    },
    async attach(cache) {
      caches.set(cache.prefix, cache);
      if (!stopWatch) return;
      const held: EventBatch[] = [];
      loading.set(cache.prefix, held);
      try {
        const revision = await backend.currentRevision();
        for await (const entries of pages(cache.prefix, revision)) cache.load(entries, revision);
        await this.reach(revision, 60_000);
        for (const batch of held) {
          const late = batch.events.filter((event) => event.revision > revision);
          if (late.length > 0) cache.apply(late);
        }
      } finally {
        loading.delete(cache.prefix);
      }
    },
    detach(cache) {
      caches.delete(cache.prefix);
    },
  };
}

function byResource(batch: EventBatch): Map<string, EventBatch['events']> {
  const first = batch.events[0];
  if (!first) return new Map();
  if (batch.events.length === 1) return new Map([[prefixOfKey(first.key), batch.events]]);
  return grouped(batch.events);
}

function grouped<T extends { readonly key: string }>(all: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const prefix = prefixOfKey(one.key);
    const group = groups.get(prefix);
    if (group) group.push(one);
    else groups.set(prefix, [one]);
  }
  return groups;
}
