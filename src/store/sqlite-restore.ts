import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { KnarrError, messageOf } from '../base/errors.ts';
import { applicationId, backup, fileSize, forgetLog, lockBeside, schemaVersion, takeInLog } from './sqlite-database.ts';
import { digestFits, dropDigest } from './sqlite-digest.ts';
import type { BackupFacts, CopyFacts, Restored } from './sqlite-messages.ts';

/** Verifying and restoring, synchronously; only a thread of its own calls this. */

const damaged = (message: string): KnarrError => new KnarrError({ code: 'SQLITE_CORRUPT', blame: 'world', message });

/** Reads every page of the file. Throws with code SQLITE_CORRUPT, SQLITE_NOTADB or `store-version`. */
export function verifyFile(path: string): BackupFacts {
  if (!existsSync(path)) throw new KnarrError({ code: 'ENOENT', blame: 'user', message: 'there is no such file' });
  const db = new Sqlite(path, { readonly: true, fileMustExist: true });
  try {
    if (db.pragma('application_id', { simple: true }) !== applicationId) throw damaged('it is no datastore of ours');
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version > schemaVersion)
      throw new KnarrError({
        code: 'store-version',
        blame: 'user',
        message: `it was written by a newer version (schema ${version}, this one knows ${schemaVersion})`,
      });
    const found = db.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok') throw damaged(String(found));
    if (!digestFits(db)) throw damaged('its contents are not those that were written');
    const reserved = metaOf(db, 'reserved');
    const row = db.prepare('SELECT MAX(revision) AS highest FROM revisions').get() as { highest: number | null };
    const living = db.prepare(
      `SELECT COUNT(*) AS keys FROM (SELECT MAX(revision) AS revision FROM revisions GROUP BY key) AS n
       JOIN revisions AS r ON r.revision = n.revision WHERE r.value IS NOT NULL`,
    );
    const { keys } = living.get() as { keys: number };
    return { revision: Math.max(reserved, row.highest ?? 0), keys, bytes: fileSize(path) };
  } finally {
    db.close();
  }
}

/** The form of the tables of a datastore, whoever wrote it; 0: none yet. */
export function schemaOf(path: string): number {
  const db = new Sqlite(path, { fileMustExist: true });
  try {
    return db.pragma('user_version', { simple: true }) as number;
  } finally {
    db.close();
  }
}

/** A verified copy of a datastore that nobody has open, as it is: nothing of it is brought to this version's form. */
export function copyDatabase(from: string, to: string): CopyFacts {
  const lock = lockBeside(from);
  const coming = `${to}.new`;
  try {
    removeAll(coming);
    const schema = schemaOf(from);
    const db = new Sqlite(from, { fileMustExist: true });
    try {
      takeInLog(db, from);
      backup(db, coming);
    } finally {
      db.close();
    }
    const facts = verifyFile(coming);
    sync(coming);
    renameSync(coming, to);
    sync(dirname(to));
    return { ...facts, schema };
  } finally {
    lock.close();
  }
}

/** By how much the revisions jump when nobody knows how far those of the replaced file had come. */
const blindJump = 1_000_000_000;

/**
 * Puts a copy of `from` in the place of `to`. At every instant `to` is the old file or the new one, whole; after a power
 * cut the same call begins anew and ends the same. Revisions go on above those of both files, and no older one can be
 * watched from: clients read everything again instead of believing what they remember.
 */
export function restoreFile(from: string, to: string): Restored {
  const lock = lockBeside(to);
  const coming = `${to}.restoring`;
  try {
    verifyFile(from);
    removeAll(coming);
    copyFileSync(from, coming);
    chmodSync(coming, 0o600);
    const reached = settleOld(to);
    startAbove(coming, reached);
    const facts = verifyFile(coming);
    removeBeside(coming);
    sync(coming);
    const keptAt = keepAside(to);
    renameSync(coming, to);
    sync(dirname(to));
    return { ...facts, keptAt };
  } finally {
    lock.close();
  }
}

const beside = ['-wal', '-shm', '-journal', '-log'];
const removeBeside = (path: string): void => {
  for (const end of beside) rmSync(`${path}${end}`, { force: true });
};
const removeAll = (path: string): void => {
  rmSync(path, { force: true });
  removeBeside(path);
};

function sync(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

const metaOf = (db: Sqlite.Database, name: string): number => {
  const row = db.prepare('SELECT value FROM meta WHERE name = ?').get(name) as { value: number } | undefined;
  if (!row) throw damaged(`it says nothing of ${name}`);
  return row.value;
};

/** Takes what is in the old file's log into the file itself; its newest revision, or undefined when it is not readable. */
function settleOld(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const db = new Sqlite(path, { fileMustExist: true });
    try {
      takeInLog(db, path);
      db.pragma('wal_checkpoint(TRUNCATE)');
      const row = db.prepare('SELECT MAX(revision) AS highest FROM revisions').get() as { highest: number | null };
      return Math.max(metaOf(db, 'reserved'), row.highest ?? 0);
    } finally {
      db.close();
    }
  } catch {
    return undefined; // It is damaged: the more reason to replace it.
  }
}

function startAbove(path: string, reached: number | undefined): void {
  const db = new Sqlite(path, { fileMustExist: true });
  try {
    db.pragma('journal_mode = DELETE');
    db.pragma('synchronous = FULL');
    db.transaction(() => {
      const row = db.prepare('SELECT MAX(revision) AS highest FROM revisions').get() as { highest: number | null };
      const own = Math.max(metaOf(db, 'reserved'), row.highest ?? 0);
      const start = Math.max(own, reached ?? own + blindJump);
      db.exec(`DELETE FROM revisions WHERE value IS NULL
               OR revision NOT IN (SELECT MAX(revision) FROM revisions GROUP BY key)`);
      const set = db.prepare('UPDATE meta SET value = ? WHERE name = ?');
      set.run(start, 'reserved');
      set.run(start, 'compacted');
      set.run(0, 'open');
      forgetLog(db);
      dropDigest(db);
    })();
  } catch (error) {
    throw damaged(messageOf(error));
  } finally {
    db.close();
  }
}

/** The old file under a second name, before its first one is taken. */
function keepAside(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const aside = `${path}.before-restore-${stamp}`;
  removeAll(aside);
  for (const end of ['', ...beside]) if (existsSync(`${path}${end}`)) linkSync(`${path}${end}`, `${aside}${end}`);
  sync(dirname(path));
  removeBeside(path);
  sync(dirname(path));
  return aside;
}
