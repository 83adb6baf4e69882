import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silent } from '../base/log.ts';
import type { Backend } from './backend.ts';
import { copyDatastore, datastoreSchema, restoreBackup, verifyBackup } from './backup.ts';
import { createSqliteBackend } from './sqlite-backend.ts';

async function opened(path: string): Promise<Backend> {
  const backend = createSqliteBackend({ path, log: silent });
  await backend.start();
  return backend;
}
const read = async (backend: Backend): Promise<string[]> =>
  (await backend.list({ prefix: '/' })).entries.map((entry) => `${entry.key}=${entry.value}`);

/** A datastore with `/a=new`, and a backup from when it was `/a=old`. */
async function withBackup(body: (paths: { db: string; backup: string; newest: number }) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-backup-'));
  const db = join(folder, 'state.db');
  const backup = join(folder, 'backup.db');
  try {
    const backend = await opened(db);
    await backend.write({ key: '/gone', value: Buffer.from('x') });
    await backend.write({ key: '/gone', value: undefined });
    for (const value of ['older', 'old']) await backend.write({ key: '/a', value: Buffer.from(value) });
    await backend.backup(backup);
    await backend.write({ key: '/a', value: Buffer.from('new') });
    await backend.write({ key: '/b', value: Buffer.from('new') });
    const newest = await backend.currentRevision();
    await backend.stop();
    await body({ db, backup, newest });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('backup', () => {
  it('is verified and restored; the old datastore is kept, and revisions go on above both', () =>
    withBackup(async ({ db, backup, newest }) => {
      assert.equal((await verifyBackup(backup)).keys, 1);
      const { keptAt } = await restoreBackup(backup, db);
      const restored = await opened(db);
      assert.deepEqual(await read(restored), ['/a=old']);
      assert.throws(() => restored.watch({ prefix: '/', after: newest - 1, onEvents() {} }), { code: 'compacted' });
      const written = await restored.write({ key: '/a', value: Buffer.from('newer') });
      assert.ok(written.revision > newest);
      await restored.compact(await restored.currentRevision());
      await restored.stop();
      const kept = await opened(keptAt ?? '');
      assert.deepEqual(await read(kept), ['/a=new', '/b=new']);
      await kept.stop();
    }));

  it('that is damaged is refused, and nothing is touched', () =>
    withBackup(async ({ db, backup }) => {
      const flipped = `${backup}.flipped`;
      const bytes = await readFile(backup);
      bytes[bytes.lastIndexOf('old')] = 0x4f;
      await writeFile(flipped, bytes);
      await truncate(backup, 9000);
      const text = join(db, '../text');
      await writeFile(text, 'no database at all');
      for (const bad of [flipped, backup, text, `${db}.missing`]) {
        const code = /^store-(damaged|failed)$/;
        await assert.rejects(verifyBackup(bad), (error: { code: string }) => code.test(error.code));
        await assert.rejects(restoreBackup(bad, db), (error: { code: string }) => code.test(error.code));
      }
      const backend = await opened(db);
      assert.deepEqual(await read(backend), ['/a=new', '/b=new']);
      await backend.stop();
    }));

  it('goes in the place of a datastore that is missing or cannot be read', () =>
    withBackup(async ({ db, backup, newest }) => {
      await truncate(db, 5000);
      await restoreBackup(backup, db);
      const backend = await opened(db);
      assert.deepEqual(await read(backend), ['/a=old']);
      assert.ok((await backend.currentRevision()) > newest);
      await backend.stop();
      await rm(db);
      assert.equal((await restoreBackup(backup, db)).keptAt, undefined);
    }));

  it('is not restored over a datastore that is in use', () =>
    withBackup(async ({ db, backup }) => {
      const backend = await opened(db);
      await assert.rejects(restoreBackup(backup, db), { code: 'store-locked' });
      await backend.stop();
    }));

  it('is restored by a second call when the first was cut short, wherever that was', () =>
    withBackup(async ({ db, backup }) => {
      // What an interrupted call leaves behind: half a copy, and the journal of a write that never ended.
      await copyFile(backup, `${db}.restoring`);
      await truncate(`${db}.restoring`, 4096);
      await writeFile(`${db}.restoring-journal`, 'rest');
      await restoreBackup(backup, db);
      const backend = await opened(db);
      assert.deepEqual(await read(backend), ['/a=old']);
      await backend.stop();
      assert.deepEqual(
        (await readdir(join(db, '..'))).filter((name) => name.includes('restoring')),
        [],
      );
    }));

  it('is made of a datastore that is not open, in the form that it has', () =>
    withBackup(async ({ db, backup }) => {
      const { keys, schema } = await copyDatastore(db, backup);
      assert.deepEqual([keys, schema], [2, await datastoreSchema(db)]);
      const open = await opened(db);
      await assert.rejects(copyDatastore(db, backup), { code: 'store-locked' });
      await open.stop();
      await truncate(db, 5000);
      await assert.rejects(copyDatastore(db, backup));
      assert.equal((await verifyBackup(backup)).keys, 2);
    }));
});
