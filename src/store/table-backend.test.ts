import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silent } from '../base/log.ts';
import { createMemoryTable } from './memory-table.ts';
import type { RevisionTable } from './table.ts';
import { createTableBackend } from './table-backend.ts';

/** A table whose disk can be filled and emptied. */
function failingTable(): RevisionTable & { full: boolean } {
  const inner = createMemoryTable();
  const table = {
    ...inner,
    full: false,
    async commit(batch: Parameters<RevisionTable['commit']>[0]) {
      await new Promise((resolve) => setImmediate(resolve));
      if (table.full) throw new Error('disk full');
      return inner.commit(batch);
    },
  };
  return table;
}

const value = Buffer.from('x');

describe('a backend whose table fails', () => {
  it('refuses what is on its way, forgets it, and works again afterwards', async () => {
    const table = failingTable();
    const backend = createTableBackend({ table, log: silent });
    await backend.start();
    const first = await backend.write({ key: '/a', value, expected: 0 });
    const seen: string[] = [];
    backend.watch({
      prefix: '/',
      after: first.revision,
      onEvents: (b) => void seen.push(...b.events.map((e) => e.key)),
    });
    table.full = true;
    const one = backend.write({ key: '/a', value, expected: first.revision });
    const two = backend.write({ key: '/b', value });
    await new Promise((resolve) => setImmediate(resolve));
    const three = backend.write({ key: '/b', value: undefined });
    const results = await Promise.allSettled([one, two, three]);
    assert.deepEqual(
      results.map((r) => r.status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.deepEqual(seen, []);
    table.full = false;
    const again = await backend.write({ key: '/a', value, expected: first.revision });
    assert.ok(again.ok);
    const missing = await backend.write({ key: '/b', value, expected: 0 });
    assert.ok(missing.ok && again.revision < missing.revision);
    assert.deepEqual(seen, ['/a', '/b']);
    await backend.stop();
  });

  it('takes volatile writes in their order, and writes them when many are waiting', async () => {
    const table = failingTable();
    const commits: number[] = [];
    const commit = table.commit;
    table.commit = async (batch) => {
      commits.push(batch.rows.length);
      return commit(batch);
    };
    const backend = createTableBackend({ table, log: silent, volatileLimit: 10 });
    await backend.start();
    for (let i = 0; i < 9; i++) await backend.write({ key: `/v/${i}`, value, volatile: true });
    assert.deepEqual(commits, [0]);
    for (let i = 9; i < 12; i++) await backend.write({ key: `/v/${i}`, value, volatile: true });
    assert.deepEqual(commits, [0, 10]);
    await backend.stop();
    assert.equal(commits.at(-1), 2);
  });
});
