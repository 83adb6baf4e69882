import { KnarrError, toError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Backend, Entry, KeyState, StoreEvent, WriteOperation, WriteResult } from './backend.ts';
import { createExpiry, type Expiring } from './expiry.ts';
import type { RevisionTable, Row } from './table.ts';
import { createUnwritten } from './unwritten.ts';
import { createWatchers } from './watchers.ts';

export interface TableBackendOptions {
  table: RevisionTable;
  log: Logger;
  /** Revisions reserved at a time: after a crash the number line jumps by at most so many. */
  reservation?: number;
  /** Volatile writes go to the table with the first durable one after so long, */
  volatileFlushMs?: number;
  /** or when so many keys are waiting. */
  volatileLimit?: number;
}

interface PendingRow extends Row {
  readonly volatile: boolean;
  /** What the key was before, to take the write back. */
  readonly before: KeyState | undefined;
}

/** What is committed together; settled in order, all or nothing. */
interface Batch {
  readonly rows: PendingRow[];
  readonly settle: { done(): void; failed(error: Error): void }[];
  /** It is durable, and waits only for those before it. */
  stands: boolean;
}

const newBatch = (): Batch => ({ rows: [], settle: [], stands: false });

/** Commits under way at once: one is made, the next is at hand when it is, if it is large enough to be worth a message. */
const mostUnderWay = 2;
const enoughRows = 8;

/**
 * A backend over a table of ours. All conditions are decided here, in memory, in the order of the calls:
 *
 *   write() ─▶ batch of this turn ─▶ table.commit (two at a time) ─▶ watchers ─▶ the promises of the batch
 *
 * While commits are under way the next batch gathers, so the slower the disk, the larger the batches.
 */
export function createTableBackend(options: TableBackendOptions): Backend {
  const { table, log, reservation = 100_000, volatileFlushMs = 60_000, volatileLimit = 5_000 } = options;
  const index = new Map<string, KeyState>();
  const unwritten = createUnwritten();
  const watchers = createWatchers();
  const expiry = createExpiry(expire);
  let state: 'new' | 'running' | 'stopped' = 'new';
  let last = 0;
  let delivered = 0;
  let reserved = 0;
  let compacted = 0;
  let flushedAt = 0;
  /** Volatile rows are on their way to the table. */
  let flushing = false;
  let flushed = Promise.resolve();
  let batch = newBatch();
  let scheduled = false;
  /** In the order of their revisions. */
  let underWay: Batch[] = [];

  function schedule(): void {
    if (scheduled || underWay.length > 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      pump();
    });
  }

  const isWorthIt = (): boolean => underWay.length < mostUnderWay && batch.rows.length >= enoughRows;

  function pump(): void {
    while (underWay.length === 0 ? batch.settle.length > 0 : isWorthIt()) {
      const current = batch;
      batch = newBatch();
      const durable = current.rows.filter((row) => !row.volatile);
      const reserve = last >= reserved ? last + reservation : undefined;
      underWay.push(current);
      if (durable.length > 0 || reserve !== undefined || (unwritten.size() >= volatileLimit && !flushing)) {
        void commit(current, durable, reserve);
      } else {
        current.stands = true;
        deliverStanding();
      }
    }
  }

  async function commit(current: Batch, durable: Row[], reserve: number | undefined): Promise<void> {
    const flush = !flushing && (unwritten.size() >= volatileLimit || Date.now() - flushedAt >= volatileFlushMs);
    const late = flush ? unwritten.rows(durable) : [];
    if (flush) flushing = true;
    try {
      await table.commit({ rows: late.length > 0 ? [...late, ...durable] : durable, reserve });
    } catch (error) {
      // Of commits that fail together the first speaks for all.
      if (underWay.includes(current)) fail(toError(error));
      return;
    } finally {
      if (flush) flushing = false;
    }
    if (flush) flushedAt = Date.now();
    if (reserve !== undefined) reserved = Math.max(reserved, reserve);
    unwritten.written(late);
    current.stands = true;
    deliverStanding();
    pump();
  }

  function deliverStanding(): void {
    for (let first = underWay[0]; first?.stands; first = underWay[0]) {
      underWay.shift();
      deliver(first);
    }
  }

  function deliver({ rows, settle }: Batch): void {
    const events: StoreEvent[] = [];
    for (const row of rows) {
      if (row.volatile) unwritten.put(row);
      else unwritten.drop(row.key);
      if (row.expires > 0) expiry.add(expiringOf(row, row.volatile));
      events.push(eventOf(row));
    }
    const newest = rows.at(-1)?.revision;
    if (newest !== undefined) {
      delivered = newest;
      watchers.deliver({ revision: newest, events });
    }
    for (const { done } of settle) done();
  }

  /** What came after may rest on what failed: everything that is on its way fails with it. */
  function fail(error: Error): void {
    const all = [...underWay, batch];
    underWay = [];
    batch = newBatch();
    const rows = all.flatMap((one) => one.rows);
    log.error('a write could not be made durable', { error: error.message, rows: rows.length });
    for (const row of rows.reverse()) {
      if (row.before) index.set(row.key, row.before);
      else index.delete(row.key);
    }
    for (const { settle } of all) for (const { failed } of settle) failed(error);
  }

  function write(operation: WriteOperation): Promise<WriteResult> {
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult>();
    if (state !== 'running') {
      reject(notRunning());
      return promise;
    }
    const { key, expected, ttlSeconds } = operation;
    const before = index.get(key);
    const refused =
      expected === undefined ? operation.value === undefined && !before : (before?.modRevision ?? 0) !== expected;
    let result: WriteResult;
    if (refused || (operation.value === undefined && !before)) {
      result = { ok: false, revision: last, current: before };
    } else {
      const revision = last + 1;
      const value = typeof operation.value === 'function' ? operation.value(revision) : operation.value;
      last = revision;
      const created = before?.createRevision ?? revision;
      const expires = value !== undefined && ttlSeconds !== undefined ? Date.now() + ttlSeconds * 1000 : 0;
      if (value === undefined) index.delete(key);
      else index.set(key, { createRevision: created, modRevision: revision });
      batch.rows.push({ key, revision, created, value, expires, volatile: operation.volatile ?? false, before });
      result = { ok: true, revision, previous: before };
    }
    batch.settle.push({ done: () => resolve(result), failed: reject });
    if (isWorthIt() && !operation.volatile) pump();
    else schedule();
    return promise;
  }

  function expire(due: readonly Expiring[]): void {
    for (const { key, revision, volatile } of due) {
      if (index.get(key)?.modRevision !== revision) continue;
      write({ key, value: undefined, expected: revision, volatile }).catch((error: unknown) =>
        log.warn('an expired key could not be deleted', { key, error: toError(error).message }),
      );
    }
  }

  /** Everything asked for before is durable (or has failed) when this resolves. */
  function settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const last = batch.settle.length > 0 ? batch : underWay.at(-1);
    if (last) last.settle.push({ done: resolve, failed: () => resolve() });
    else resolve();
    return promise;
  }

  function checkReadable(revision: number): void {
    if (state !== 'running') throw notRunning();
    if (revision < compacted) throw compactedError(revision, compacted);
    if (revision > last) {
      const message = `Revision ${revision} does not exist yet; the newest is ${last}.`;
      throw new KnarrError({ code: 'future-revision', blame: 'user', message, details: { revision, newest: last } });
    }
  }

  function flushVolatile(): Promise<void> {
    flushed = flushed.catch(() => {}).then(flushNow);
    return flushed;
  }

  async function flushNow(): Promise<void> {
    do await settled();
    while (flushing); // by a commit that is under way
    const rows = unwritten.rows([]);
    if (rows.length === 0) return;
    flushing = true;
    try {
      await table.commit({ rows, reserve: undefined });
      unwritten.written(rows);
    } finally {
      flushing = false;
    }
  }

  return {
    async start() {
      const opened = await table.open();
      last = opened.revision;
      delivered = last;
      reserved = last;
      compacted = opened.compacted;
      for (const row of opened.keys) {
        index.set(row.key, { createRevision: row.created, modRevision: row.revision });
      }
      state = 'running';
      flushedAt = Date.now();
      for (const row of opened.keys) if (row.expires > 0) expiry.add(expiringOf(row, true));
    },
    async stop() {
      if (state !== 'running') return;
      expiry.stop();
      state = 'stopped';
      await settled();
      await flushVolatile().catch((error: unknown) =>
        log.error('the last heartbeats and events were not written', { error: toError(error).message }),
      );
      await table.close(last);
    },
    async currentRevision() {
      return last;
    },
    compactedRevision: () => compacted,
    async get(key) {
      if (state !== 'running') throw notRunning();
      await settled();
      const row = unwritten.get(key) ?? (await table.get(key));
      return row && entryOf(row);
    },
    async list(request) {
      const revision = request.revision ?? last;
      checkReadable(revision);
      await settled();
      const page = await unwritten.listOver(table, { ...request, revision });
      if (revision < compacted) throw compactedError(revision, compacted);
      return { revision, entries: page.rows.flatMap((row) => entryOf(row) ?? []), count: page.count };
    },
    write,
    watch({ prefix, after, onEvents }) {
      checkReadable(after);
      if (after >= delivered) return watchers.add(prefix, onEvents);
      return watchers.addReplaying(prefix, onEvents, async () => {
        const until = delivered;
        const late = unwritten.rows([]).filter((row) => row.revision > after && row.key.startsWith(prefix));
        const rows = await table.changes({ prefix, after, until });
        const byRevision = new Map([...late, ...rows].map((row) => [row.revision, row]));
        const all = [...byRevision.values()].sort((a, b) => a.revision - b.revision);
        return { revision: until, events: all.map(eventOf) };
      });
    },
    async compact(revision) {
      checkReadable(revision);
      if (revision <= compacted) return;
      await settled();
      compacted = revision;
      await table.compact(revision);
    },
    size: () => table.size(),
    async backup(path) {
      await flushVolatile();
      await table.backup(path);
    },
  };
}

function expiringOf(row: { key: string; revision: number; expires: number }, volatile: boolean): Expiring {
  return { key: row.key, revision: row.revision, at: row.expires, volatile };
}

function entryOf(row: Row): Entry | undefined {
  if (row.value === undefined) return undefined;
  return { key: row.key, value: row.value, createRevision: row.created, modRevision: row.revision };
}

function eventOf(row: Row): StoreEvent {
  const entry = entryOf(row);
  const { key, revision } = row;
  return entry ? { type: 'put', key, revision, entry } : { type: 'delete', key, revision };
}

function notRunning(): KnarrError {
  return new KnarrError({ code: 'store-stopped', blame: 'world', message: 'The datastore is not running.' });
}

function compactedError(revision: number, compacted: number): KnarrError {
  const message = `Revision ${revision} is gone; history is kept from ${compacted} on.`;
  return new KnarrError({ code: 'compacted', blame: 'user', message, details: { revision, compacted } });
}
