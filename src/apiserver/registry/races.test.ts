import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isApiError } from '../../api/status.ts';
import { startRegistry } from './testing.ts';

interface Kept {
  metadata: { resourceVersion: string };
  data?: Record<string, string>;
}

describe('writes that meet', () => {
  it('a conflict is told when what it is with can be read', async () => {
    const running = await startRegistry();
    const maps = running.use('', 'configmaps');
    const first = await maps.create<Kept>('a', { data: { x: '1' } });
    const coming = maps.merge<Kept>('a', { data: { x: '2' } });
    const refused = assert.rejects(maps.put('a', { ...first, data: { x: '3' } }), (error) => {
      assert.ok(isApiError(error, 'Conflict'));
      return true;
    });
    const seen = refused.then(() => maps.get<Kept>('a'));
    assert.equal((await seen).data?.x, '2');
    await coming;
    await running.stop();
  });

  it('what is deleted at once is deleted, whoever takes it away when its mark is seen', async () => {
    const running = await startRegistry();
    const pods = running.use('', 'pods');
    await pods.create('p', { spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } });
    const others: Promise<unknown>[] = [];
    const watch = await pods.store.watch(
      {},
      {
        onEvents(events) {
          for (const { type, stored } of events)
            if (type === 'MODIFIED' && stored.object.metadata.deletionGracePeriodSeconds === 0)
              others.push(pods.delete('p', { gracePeriodSeconds: 0 }));
        },
        onClose() {},
      },
    );
    const { deleted } = await pods.delete('p', { gracePeriodSeconds: 0 });
    assert.equal(deleted, true);
    assert.equal(others.length, 1);
    await Promise.allSettled(others);
    await assert.rejects(pods.get('p'), (error) => isApiError(error, 'NotFound'));
    watch.stop();
    await running.stop();
  });
});
