import type Sqlite from 'better-sqlite3';
import { openCommitLog, type PackedBatch } from './commit-log.ts';
import { dropDigest } from './sqlite-digest.ts';
import { unpackRows } from './sqlite-messages.ts';

/**
 * How rows come into the database: each commit at once and durably into the log, and from there many together into the
 * tables, in a transaction that stays open until the log is full or somebody needs it closed.
 *
 *   append ─▶ log: one write, one sync ─▶ acknowledged ─▶ apply ─▶ open transaction ─▶ flush: commit, sync,
 *                                                                                      the log starts over
 *
 * The tables remember in each of their transactions up to which record they have come. After a crash what the log holds
 * past that is applied again: of SQLite's own commits only those need a sync after which the log starts over.
 */
export interface RevisionWriter {
  /** Durable when it returns. Throws: nothing of it stands. */
  append(batches: readonly PackedBatch[]): void;
  /** What was appended can be read in the tables when this returns. Throws where the tables take nothing now. */
  apply(): void;
  /** As `apply`, and no transaction is open. */
  settle(): void;
  /** As `settle`, and the tables are durable without the log. */
  flush(): void;
  /** Whether the database was ever written to since it was opened, or was not closed before. */
  readonly marked: boolean;
  readonly logSize: number;
  close(): void;
}

/** The log starts over when it is this long. */
const logLimit = 4 * 1024 * 1024;

export interface WriterOptions {
  db: Sqlite.Database;
  /** The log's file. */
  path: string;
  meta(name: string): number;
  setMeta(name: string, value: number): void;
  limit?: number | undefined;
}

/** Brings what a crash has left in the log into the tables. */
export function createWriter({ db, path, meta, setMeta, limit = logLimit }: WriterOptions): RevisionWriter {
  const log = openCommitLog(path, { id: meta('log'), keep: limit });
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const insert = db.prepare('INSERT INTO revisions (revision, key, created, expires, value) VALUES (?, ?, ?, ?, ?)');
  let marked = meta('open') === 1;
  let sequence = meta('logged');
  let unapplied: (readonly PackedBatch[])[] = [];
  /** What the log holds may be missing in the tables. */
  let behind = true;

  function insertAll(batches: readonly PackedBatch[]): void {
    if (!db.inTransaction) {
      begin.run();
      if (!marked) {
        setMeta('open', 1);
        dropDigest(db);
      }
    }
    for (const { rows, reserve } of batches) {
      if (reserve !== undefined) setMeta('reserved', reserve);
      if (!rows) continue;
      for (const { revision, key, created, expires, value } of unpackRows(rows)) {
        insert.run(revision, key, created, expires, value ?? null);
      }
    }
  }

  function settle(): void {
    apply();
    if (!db.inTransaction) return;
    setMeta('logged', sequence);
    commit.run();
    marked = true;
  }

  function flush(): void {
    settle();
    if (log.filled === 0) return;
    synced(db, () => setMeta('logged', sequence));
    log.startOver();
  }

  /** From what the tables hold for sure, all that the log has after it. */
  function catchUp(): void {
    if (db.inTransaction) rollback.run();
    const applied = meta('logged');
    let last = applied;
    for (const { sequence: number, batches } of log.records()) {
      if (number <= applied) continue;
      if (number !== last + 1) break;
      insertAll(batches);
      last = number;
    }
    sequence = last;
    unapplied = [];
    behind = false;
    flush();
  }

  function apply(): void {
    try {
      if (behind) catchUp();
      for (const batches of unapplied) insertAll(batches);
      unapplied = [];
    } catch (error) {
      behind = true;
      throw error;
    }
  }

  catchUp();
  return {
    append(batches) {
      if (behind || unapplied.length > 0) apply();
      if (log.filled >= limit) flush();
      log.append({ sequence: sequence + 1, batches });
      sequence++;
      unapplied.push(batches);
    },
    apply() {
      apply();
      if (log.filled >= limit) flush();
    },
    settle,
    flush,
    get marked() {
      return marked;
    },
    get logSize() {
      return log.size;
    },
    close: () => log.close(),
  };
}

/** Makes a change of one's own, and all that was committed before it, durable. */
function synced(db: Sqlite.Database, change: () => void): void {
  db.pragma('synchronous = FULL');
  try {
    change();
  } finally {
    db.pragma('synchronous = NORMAL');
  }
}
