import assert from 'node:assert/strict';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silent } from '../base/log.ts';
import type { Backend } from './backend.ts';
import { testBackend } from './backend-contract.ts';
import { createSqliteBackend } from './sqlite-backend.ts';

async function opened(path: string): Promise<Backend> {
  const backend = createSqliteBackend({ path, log: silent });
  await backend.start();
  return backend;
}

async function inFolder(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-store-'));
  try {
    await body(join(folder, 'state.db'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

testBackend('sqlite backend', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-store-'));
  const path = join(folder, 'state.db');
  let backend = await opened(path);
  return {
    backend,
    async restart() {
      await backend.stop();
      backend = await opened(path);
      return backend;
    },
    async end() {
      await backend.stop();
      await rm(folder, { recursive: true });
    },
  };
});

describe('sqlite file', () => {
  it('is not touched while only heartbeats come', () =>
    inFolder(async (path) => {
      const backend = await opened(path);
      await backend.write({ key: '/lease', value: Buffer.from('0') });
      const before = await stat(`${path}-log`);
      for (let i = 0; i < 50; i++) await backend.write({ key: '/lease', value: Buffer.from(`${i}`), volatile: true });
      const after = await stat(`${path}-log`);
      assert.deepEqual([after.size, after.mtimeMs], [before.size, before.mtimeMs]);
      await backend.stop();
      const again = await opened(path);
      assert.equal((await again.get('/lease'))?.value.toString(), '49');
      await again.stop();
    }));

  it('cannot be opened twice', () =>
    inFolder(async (path) => {
      const backend = await opened(path);
      await assert.rejects(opened(path), { code: 'store-locked' });
      await backend.stop();
    }));

  it('gives a backup that opens as a store of its own', () =>
    inFolder(async (path) => {
      const backend = await opened(path);
      await backend.write({ key: '/a', value: Buffer.from('1') });
      await backend.write({ key: '/v', value: Buffer.from('2'), volatile: true });
      await backend.backup(`${path}.copy`);
      await backend.stop();
      const copy = await opened(`${path}.copy`);
      assert.deepEqual(
        (await copy.list({ prefix: '/' })).entries.map((e) => `${e.key}=${e.value}`),
        ['/a=1', '/v=2'],
      );
      await copy.stop();
    }));

  it('shrinks again after what was written has been deleted and compacted', () =>
    inFolder(async (path) => {
      const backend = await opened(path);
      const value = Buffer.alloc(4096, 1);
      await Promise.all(Array.from({ length: 2000 }, (_, i) => backend.write({ key: `/k/${i}`, value })));
      await Promise.all(Array.from({ length: 2000 }, (_, i) => backend.write({ key: `/k/${i}`, value: undefined })));
      await backend.compact(await backend.currentRevision());
      await backend.stop();
      assert.ok((await stat(path)).size < 2_000_000, `${(await stat(path)).size} bytes`);
    }));

  it('refuses a damaged file after a crash', () =>
    inFolder(async (path) => {
      const backend = await opened(path);
      await Promise.all(
        Array.from({ length: 500 }, (_, i) => backend.write({ key: `/k/${i}`, value: Buffer.alloc(900) })),
      );
      await backend.stop();
      const file = await open(path, 'r+');
      await file.write(Buffer.alloc(200_000, 0xff), 0, 200_000, 40_000);
      await file.close();
      await assert.rejects(opened(path), (error: { code: string }) => /store-(damaged|failed)/.test(error.code));
    }));
});
