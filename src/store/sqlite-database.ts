import { randomInt } from 'node:crypto';
import { chmodSync, existsSync, statSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { KnarrError } from '../base/errors.ts';
import type { PackedBatch } from './commit-log.ts';
import { writeDigest } from './sqlite-digest.ts';
import { createWriter } from './sqlite-writer.ts';
import { type KeyRow, prefixEnd, type Row } from './table.ts';

/** The database file, synchronously; only its own thread calls this. */
export interface RevisionDatabase {
  readonly opened: { revision: number; compacted: number; keys: KeyRow[]; checked: boolean };
  /** Durable when it returns. */
  commit(batches: readonly PackedBatch[]): void;
  /** What is left to do after commits, once nobody waits for them. */
  afterCommit(): void;
  get(key: string): Row | undefined;
  list(request: { prefix: string; start: string; limit: number | undefined; revision: number }): {
    rows: Row[];
    count: number;
  };
  changes(request: { prefix: string; after: number; until: number }): Row[];
  /** Work to be done one piece after the other. */
  compactionSlices(revision: number): Iterable<() => void>;
  size(): number;
  backup(path: string): void;
  close(revision: number): void;
}

/** 2: there is a log of commits beside the file, which version 1 would not read. */
export const schemaVersion = 2;
/** "KNRR": tells the file from any other SQLite database. */
export const applicationId = 0x4b4e5252;

const schema = `
  CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY,
    key      TEXT NOT NULL,
    created  INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    value    BLOB
  );
  CREATE INDEX revisions_by_key ON revisions (key, revision);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('reserved', 0), ('compacted', 0), ('open', 0);
`;

/** The newest revision of each key in a range, as of a revision. */
const newestOf = `
  SELECT MAX(revision) AS revision FROM revisions
  WHERE key >= @start AND key < @end AND revision <= @revision GROUP BY key
`;

export function openDatabase(path: string): RevisionDatabase {
  const lock = lockBeside(path);
  const fresh = !existsSync(path);
  const db = new Sqlite(path, { timeout: 1000 });
  if (fresh) chmodSync(path, 0o600);
  prepareFile(db, path, fresh);

  const meta = (name: string): number => metaOf(db, name) ?? 0;
  const setMetaStatement = db.prepare('UPDATE meta SET value = ? WHERE name = ?');
  const setMeta = (name: string, value: number): void => void setMetaStatement.run(value, name);

  const wasOpen = meta('open') === 1;
  if (wasOpen) check(db);
  const writer = createWriter({ db, path: logBeside(path), meta, setMeta });

  const newest = db.prepare('SELECT * FROM revisions WHERE key = ? ORDER BY revision DESC LIMIT 1');
  const range = db.prepare(
    `SELECT r.* FROM (${newestOf}) AS n CROSS JOIN revisions AS r ON r.revision = n.revision
     WHERE r.value IS NOT NULL ORDER BY r.key LIMIT @limit`,
  );
  const count = db.prepare(
    `SELECT COUNT(*) AS count FROM (${newestOf}) AS n CROSS JOIN revisions AS r ON r.revision = n.revision
     WHERE r.value IS NOT NULL`,
  );
  const after = db.prepare(
    'SELECT * FROM revisions WHERE revision > @after AND revision <= @until AND key >= @prefix AND key < @end ORDER BY revision',
  );
  const highest = (db.prepare('SELECT MAX(revision) AS revision FROM revisions').get() as { revision: number | null })
    .revision;
  const keys = db
    .prepare(
      `SELECT r.key, r.revision, r.created, r.expires FROM
       (SELECT MAX(revision) AS revision FROM revisions GROUP BY key) AS n
       CROSS JOIN revisions AS r ON r.revision = n.revision WHERE r.value IS NOT NULL`,
    )
    .all() as KeyRow[];

  return {
    opened: {
      revision: Math.max(meta('reserved'), highest ?? 0),
      compacted: meta('compacted'),
      keys,
      checked: wasOpen,
    },
    commit: writer.append,
    afterCommit: writer.apply,
    get(key) {
      writer.apply();
      return rowOf(newest.get(key));
    },
    list({ prefix, start, limit, revision }) {
      writer.apply();
      const where = { start, end: prefixEnd(prefix), revision };
      const rows = range.all({ ...where, limit: limit ?? -1 }).flatMap((raw) => rowOf(raw) ?? []);
      const all = limit !== undefined && rows.length >= limit;
      return { rows, count: all ? (count.get(where) as { count: number }).count : rows.length };
    },
    changes({ prefix, after: from, until }) {
      writer.apply();
      return after.all({ prefix, after: from, until, end: prefixEnd(prefix) }).flatMap((raw) => rowOf(raw) ?? []);
    },
    *compactionSlices(revision) {
      writer.settle();
      for (const slice of compactionSlices(db, meta('compacted'), revision, setMeta)) {
        yield () => {
          writer.settle();
          slice();
        };
      }
    },
    size: () => fileSize(path) + fileSize(`${path}-wal`) + writer.logSize,
    backup(to) {
      writer.settle();
      backup(db, to);
    },
    close(revision) {
      writer.flush();
      if (writer.marked) {
        setMeta('reserved', revision);
        setMeta('open', 0);
        db.pragma('wal_checkpoint(TRUNCATE)');
      }
      db.close();
      writer.close();
      lock.close();
    },
  };
}

/** Held until the process ends, however it ends. Throws with code `locked` when another process has it. */
export function lockBeside(path: string): { close(): void } {
  const lock = new Sqlite(`${path}.lock`, { timeout: 0 });
  lock.pragma('journal_mode = MEMORY');
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new KnarrError({ code: 'locked', blame: 'user', message: 'in use', cause });
  }
  return lock;
}

function prepareFile(db: Sqlite.Database, path: string, fresh: boolean): void {
  if (fresh) {
    db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma(`application_id = ${applicationId}`);
  }
  const version = db.pragma('user_version', { simple: true }) as number;
  if (
    version > schemaVersion ||
    (!fresh && version > 0 && db.pragma('application_id', { simple: true }) !== applicationId)
  ) {
    const message = `${path} was written by a newer version (schema ${version}, this one knows ${schemaVersion}) or by another program.`;
    throw new KnarrError({ code: 'store-version', blame: 'user', message });
  }
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('cache_size = -4000');
  db.pragma('journal_size_limit = 8388608');
  db.transaction(() => {
    if (version === 0) db.exec(schema);
    if (version < schemaVersion) db.pragma(`user_version = ${schemaVersion}`);
    if (!metaOf(db, 'log')) {
      const set = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
      set.run('log', randomInt(1, 2 ** 47));
      set.run('logged', 0);
    }
  }).immediate();
  // From here on the log is what makes commits durable.
  db.pragma('synchronous = NORMAL');
}

const metaOf = (db: Sqlite.Database, name: string): number | undefined =>
  (db.prepare('SELECT value FROM meta WHERE name = ?').get(name) as { value: number } | undefined)?.value;

const logBeside = (path: string): string => `${path}-log`;

/** Takes what a crash has left in the log into the tables of a datastore that nobody has open. */
export function takeInLog(db: Sqlite.Database, path: string): void {
  if (db.pragma('user_version', { simple: true }) !== schemaVersion || !metaOf(db, 'log')) return;
  const set = db.prepare('UPDATE meta SET value = ? WHERE name = ?');
  const writer = createWriter({
    db,
    path: logBeside(path),
    meta: (name) => metaOf(db, name) ?? 0,
    setMeta: (name, value) => void set.run(value, name),
  });
  writer.close();
}

/** A copy has no log: from now on none of what is beside another file can be taken for it. */
export function forgetLog(db: Sqlite.Database): void {
  db.exec("DELETE FROM meta WHERE name IN ('log', 'logged')");
}

function check(db: Sqlite.Database): void {
  const result = db.pragma('quick_check(1)', { simple: true });
  if (result === 'ok') return;
  throw new KnarrError({ code: 'SQLITE_CORRUPT', blame: 'world', message: String(result) });
}

const sliceRevisions = 1_000;
const slicePages = 100;

function* compactionSlices(
  db: Sqlite.Database,
  from: number,
  to: number,
  setMeta: (name: string, value: number) => void,
): Iterable<() => void> {
  // A row goes when a newer one of its key is not past `to`, or when it is itself a deletion.
  const drop = db.prepare(
    `DELETE FROM revisions WHERE revision IN (
       SELECT old.revision FROM revisions AS new
       JOIN revisions AS old ON old.key = new.key AND old.revision < new.revision
       WHERE new.revision > @low AND new.revision <= @high)`,
  );
  const dropDeletions = db.prepare('DELETE FROM revisions WHERE revision > ? AND revision <= ? AND value IS NULL');
  const slice = db.transaction((low: number, high: number) => {
    drop.run({ low, high });
    dropDeletions.run(low, high);
    setMeta('compacted', high);
  });
  const bounds = db.prepare(
    'SELECT revision FROM revisions WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT 1 OFFSET ?',
  );
  let low = from;
  while (low < to) {
    const bound = bounds.get(low, to, sliceRevisions - 1) as { revision: number } | undefined;
    const high = bound?.revision ?? to;
    const start = low;
    yield () => slice.immediate(start, high);
    low = high;
  }
  while ((db.pragma('freelist_count', { simple: true }) as number) > slicePages) {
    yield () => void db.pragma(`incremental_vacuum(${slicePages})`);
  }
}

/** A whole copy of an open database, with a digest of its rows in it. */
export function backup(db: Sqlite.Database, to: string): void {
  db.prepare('VACUUM INTO ?').run(to);
  const copy = new Sqlite(to);
  copy.exec("UPDATE meta SET value = 0 WHERE name = 'open'");
  forgetLog(copy);
  writeDigest(copy);
  copy.close();
  chmodSync(to, 0o600);
}

function rowOf(raw: unknown): Row | undefined {
  if (raw === undefined) return undefined;
  const { value, ...rest } = raw as Omit<Row, 'value'> & { value: Buffer | null };
  return { ...rest, value: value ?? undefined };
}

export function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
