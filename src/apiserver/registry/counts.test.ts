import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRegistry } from './testing.ts';

test('the cache of a resource counts what it was asked and told', async () => {
  const running = await startRegistry();
  try {
    const maps = running.use('', 'configmaps');
    await maps.create('a');
    await maps.create('b');
    await maps.store.list({});
    await maps.store.list({ labelSelector: 'none=here' });
    await maps.store.list({ resourceVersion: '0' });
    const sink = { onEvents() {}, onClose() {} };
    (await maps.store.watch({ sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }, sink)).stop();
    const stock = running.registry.stock('', 'configmaps');
    assert.deepEqual(stock?.counts, { received: 2, dispatched: 2, initialEvents: 2, newestLists: 2, fetched: 6 });
    assert.equal(stock?.revision, await running.registry.currentRevision());
  } finally {
    await running.stop();
  }
});
