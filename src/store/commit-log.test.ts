import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Sqlite from 'better-sqlite3';
import { openCommitLog, type PackedBatch } from './commit-log.ts';
import { openDatabase, type RevisionDatabase } from './sqlite-database.ts';
import { packRows, unpackRows } from './sqlite-messages.ts';

async function inFolder(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-log-'));
  try {
    await body(join(folder, 'state.db'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const batch = (revision: number, text = `v${revision}`): PackedBatch => ({
  rows: packRows([{ key: `/k/${revision}`, revision, created: revision, expires: 0, value: Buffer.from(text) }]),
  reserve: revision + 1000,
});
const texts = (batches: readonly PackedBatch[]): string[] =>
  batches.flatMap(({ rows }) => (rows ? unpackRows(rows).map(({ value }) => String(value)) : []));
const read = (path: string, id = 7): string[] => {
  const log = openCommitLog(path, { id, keep: 1 << 20 });
  const found = [...log.records()].flatMap(({ batches }) => texts(batches));
  log.close();
  return found;
};
const all = (db: RevisionDatabase): string[] =>
  db.list({ prefix: '/k/', start: '/k/', limit: undefined, revision: 1e9 }).rows.map(({ value }) => String(value));

describe('the log of commits', () => {
  it('gives back the whole records that were written last, wherever the last one was torn', () =>
    inFolder(async (path) => {
      const log = openCommitLog(path, { id: 7, keep: 1 << 20 });
      log.append({ sequence: 1, batches: [batch(1), batch(2)] });
      const whole = log.filled;
      log.append({ sequence: 2, batches: [batch(3)] });
      const end = log.filled;
      log.close();
      assert.deepEqual(read(path), ['v1', 'v2', 'v3']);
      assert.deepEqual(read(path, 8), [], 'of another database');
      const bytes = await readFile(path);
      for (let at = whole; at < end; at++) {
        const torn = Buffer.from(bytes);
        torn[at] = (torn[at] ?? 0) ^ 0xff;
        await writeFile(`${path}.torn`, torn);
        assert.deepEqual(read(`${path}.torn`), ['v1', 'v2'], `byte ${at - whole} of the last record`);
      }
    }));

  it('takes nothing of an earlier round for something new', () =>
    inFolder(async (path) => {
      const log = openCommitLog(path, { id: 7, keep: 1 << 20 });
      for (let i = 1; i <= 5; i++) log.append({ sequence: i, batches: [batch(i)] });
      log.startOver();
      log.append({ sequence: 6, batches: [batch(6)] });
      log.close();
      assert.deepEqual(read(path), ['v6']);
    }));
});

describe('a database with its log', () => {
  it('holds what was committed though nothing of the tables was synced since it was opened', () =>
    inFolder(async (path) => {
      const cut = `${path}.cut`;
      const killed = `${path}.killed`;
      const db = openDatabase(path);
      // What a power cut leaves for sure: the tables as they were when they were opened, and the log.
      for (const part of ['', '-wal']) await copyFile(`${path}${part}`, `${cut}${part}`);
      for (let i = 11; i <= 40; i++) {
        db.commit([batch(i)]);
        if (i % 3 > 0) db.afterCommit();
      }
      const expected = all(db);
      assert.equal(expected.length, 30);
      await copyFile(`${path}-log`, `${cut}-log`);
      for (const part of ['', '-wal', '-log']) await copyFile(`${path}${part}`, `${killed}${part}`);
      db.close(40);
      for (const copy of [cut, killed]) {
        for (const [start, reserved] of [
          [41, 1040],
          [42, 41],
          [43, 42],
        ] as const) {
          const again = openDatabase(copy);
          assert.equal(again.opened.revision, reserved);
          again.commit([{ rows: batch(start).rows, reserve: undefined }]);
          again.close(start);
        }
        const last = openDatabase(copy);
        assert.deepEqual(all(last), [...expected, 'v41', 'v42', 'v43']);
        last.close(43);
      }
    }));

  it('starts the log over when it is long, and loses nothing by it', () =>
    inFolder(async (path) => {
      const db = openDatabase(path);
      const long = 'x'.repeat(100_000);
      for (let i = 1; i <= 100; i++) {
        db.commit([batch(i, long)]);
        db.afterCommit();
      }
      assert.ok(db.size() < 40_000_000);
      const log = openCommitLog(`${path}-log`, { id: 0, keep: 1 << 20 });
      assert.ok(log.size < 6_000_000, `${log.size}`);
      log.close();
      for (const part of ['', '-log', '-wal']) await copyFile(`${path}${part}`, `${path}.2${part}`);
      const again = openDatabase(`${path}.2`);
      assert.equal(all(again).length, 100);
      again.close(100);
      db.close(100);
    }));

  it('reads its tables again from the log after they could not be written to', () =>
    inFolder(async (path) => {
      const db = openDatabase(path);
      const other = new Sqlite(path);
      other.exec('BEGIN IMMEDIATE');
      db.commit([batch(1)]);
      assert.throws(() => db.afterCommit(), { code: 'SQLITE_BUSY' });
      assert.throws(
        () => db.commit([batch(2)]),
        { code: 'SQLITE_BUSY' },
        'no more is promised than is sure to be kept',
      );
      other.exec('ROLLBACK');
      other.close();
      db.commit([batch(3)]);
      assert.deepEqual(all(db), ['v1', 'v3']);
      db.close(3);
    }));
});
