import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import type { Host } from '../../cloud-config/host.ts';
import { silent } from '../../src/base/log.ts';
import { run } from '../../src/base/run.ts';
import { type Pending, type UpgradeState, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { createSqliteBackend } from '../../src/store/sqlite-backend.ts';
import { copyBeforeTrial, goesBackToCopy, prepareForTrial, readCopy, restoreAfterTrial } from './datastore.ts';

const pending: Pending = {
  id: '2-1',
  kind: 'upgrade',
  from: '1',
  to: '2',
  tries: 3,
  deadlineSeconds: 600,
  source: '',
  at: 1,
};

interface Machine {
  host: Host;
  state: UpgradeState;
  /** A daemon that runs for a moment and writes a key. */
  write(key: string): Promise<void>;
  keys(): Promise<string[]>;
  /** What a newer version does to the tables. */
  migrate(): void;
  /** Says that the tables have another form; `aside`: in the file that a restore put aside. */
  setForm(form: number, aside?: boolean): void;
}

async function withMachine(work: (machine: Machine) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'knarr-datastore-'));
  const path = join(root, 'var/lib/rancher/k3s/server/db/state.db');
  await mkdir(dirname(path), { recursive: true });
  const opened = async <T>(look: (backend: ReturnType<typeof createSqliteBackend>) => Promise<T>): Promise<T> => {
    const backend = createSqliteBackend({ path, log: silent });
    await backend.start();
    try {
      return await look(backend);
    } finally {
      await backend.stop();
    }
  };
  try {
    await work({
      host: { path: (name) => join(root, name), run },
      state: upgradeState(join(root, 'var/lib/knarr/upgrade')),
      write: (key) => opened(async (backend) => void (await backend.write({ key, value: Buffer.from('x') }))),
      keys: () => opened(async (backend) => (await backend.list({ prefix: '/' })).entries.map(({ key }) => key)),
      migrate() {
        const db = new Sqlite(path);
        db.exec('CREATE TABLE newer (a INTEGER)');
        db.pragma('user_version = 99');
        db.close();
      },
      setForm(form, aside = false) {
        const found = readdirSync(dirname(path)).find((name) => name.includes('before-restore'));
        const db = new Sqlite(aside ? join(dirname(path), found ?? 'none') : path, { fileMustExist: true });
        db.pragma(`user_version = ${form}`);
        db.close();
      },
    });
  } finally {
    await rm(root, { recursive: true });
  }
}

test('a datastore that the new version migrated goes back to its copy', () =>
  withMachine(async ({ host, state, write, keys, migrate }) => {
    await write('/old');
    assert.equal((await copyBeforeTrial(host, state, pending))?.version, '1');
    await write('/on-trial');
    migrate();
    // the second try makes no copy of what the first has changed
    await copyBeforeTrial(host, state, pending);
    assert.equal(await restoreAfterTrial(host, state, pending), true);
    assert.deepStrictEqual(await keys(), ['/old']);
    assert.equal(await restoreAfterTrial(host, state, pending), false);
  }));

test('one that it did not migrate keeps every write', () =>
  withMachine(async ({ host, state, write, keys }) => {
    await write('/old');
    await copyBeforeTrial(host, state, pending);
    await write('/on-trial');
    assert.equal(await restoreAfterTrial(host, state, pending), false);
    assert.deepStrictEqual(await keys(), ['/old', '/on-trial']);
  }));

test('the copy of another upgrade is not this one’s', () =>
  withMachine(async ({ host, state, write, migrate }) => {
    await write('/old');
    await copyBeforeTrial(host, state, pending);
    migrate();
    assert.equal(await restoreAfterTrial(host, state, { id: '3-2' }), false);
    await assert.rejects(copyBeforeTrial(host, state, { ...pending, id: '3-2' }), /newer version/);
    assert.equal((await readCopy(state))?.id, pending.id);
  }));

test('a person goes back over a migration only when he says so', () =>
  withMachine(async ({ host, state, write, migrate }) => {
    await write('/old');
    await copyBeforeTrial(host, state, pending);
    assert.equal(await goesBackToCopy(host, state, '1', false), false);
    assert.equal(await goesBackToCopy(host, state, '1', true), false);
    migrate();
    await assert.rejects(goesBackToCopy(host, state, '1', false), { code: 'datastore-migrated' });
    assert.equal(await goesBackToCopy(host, state, '1', true), true);
  }));

test('he gets the copy, and what was there before when the old version is not kept', () =>
  withMachine(async ({ host, state, write, keys, migrate, setForm }) => {
    const back: Pending = { ...pending, id: '1-2', kind: 'rollback', from: '2', to: '1', restoreDatastore: true };
    await write('/old');
    await copyBeforeTrial(host, state, pending);
    await write('/since');
    migrate();
    // a second try, or one that was cut off, ends the same
    for (const _ of [1, 2]) await prepareForTrial(host, state, back);
    assert.deepStrictEqual(await keys(), ['/old']);
    await write('/on-trial');
    // who puts it back can read its form; this test's program would be too old
    setForm(0, true);
    assert.equal(await restoreAfterTrial(host, state, back), true);
    setForm(1);
    assert.deepStrictEqual(await keys(), ['/old', '/since']);
    await assert.rejects(prepareForTrial(host, state, { ...back, to: '0' }), { code: 'no-copy' });
  }));

test('a machine without a datastore has nothing to copy', () =>
  withMachine(async ({ host, state }) => {
    assert.equal(await copyBeforeTrial(host, state, pending), undefined);
    assert.equal(await restoreAfterTrial(host, state, pending), false);
  }));
