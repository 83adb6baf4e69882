import { createHash } from 'node:crypto';
import type Sqlite from 'better-sqlite3';

/** SQLite's own check sees broken pages, not a changed byte in a value: a backup carries a digest of its rows. */

function digestOf(db: Sqlite.Database): number {
  const hash = createHash('sha256');
  const rows = db.prepare('SELECT revision, key, created, expires, value FROM revisions ORDER BY revision').raw();
  for (const row of rows.iterate() as Iterable<[number, string, number, number, Buffer | null]>) {
    const [revision, key, created, expires, value] = row;
    hash.update(JSON.stringify([revision, key, created, expires, value?.length ?? null]));
    if (value) hash.update(value);
  }
  return hash.digest().readUIntBE(0, 6);
}

export function writeDigest(db: Sqlite.Database): void {
  db.prepare("INSERT OR REPLACE INTO meta VALUES ('digest', ?)").run(digestOf(db));
}

/** For when the rows are going to change. */
export function dropDigest(db: Sqlite.Database): void {
  db.exec("DELETE FROM meta WHERE name = 'digest'");
}

/** False: something was changed since. True too for a file that has no digest. */
export function digestFits(db: Sqlite.Database): boolean {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'digest'").get() as { value: number } | undefined;
  return row === undefined || row.value === digestOf(db);
}
