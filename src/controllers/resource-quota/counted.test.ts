import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../base/log.ts';
import type { Client, RawRequest, WatchEvent } from '../../client/client.ts';
import { createCountedResources } from './counted.ts';

const secret = (name: string) => ({ metadata: { name, namespace: 'ns', uid: name, resourceVersion: '3' } });

/** A server with secrets alone: three of them, of which a list shows one; `gone` is deleted when it is watched. */
function fakeClient(requests: string[], gone: string): Client {
  return {
    async raw({ path, query }: RawRequest) {
      requests.push(`${path}${query ? `?limit=${String(query.limit)}` : ''}`);
      if (path === '/apis') return { groups: [] };
      if (path === '/api/v1')
        return { resources: [{ name: 'secrets', kind: 'Secret', namespaced: true, verbs: ['list', 'watch'] }] };
      return { items: [secret('a')], metadata: { remainingItemCount: 2 } };
    },
    async list() {
      return { items: [secret('a'), secret(gone)], metadata: { resourceVersion: '3' } };
    },
    async *watch(_resource: unknown, { signal }: { signal: AbortSignal }): AsyncGenerator<WatchEvent<object>> {
      yield { type: 'DELETED', object: { metadata: { ...secret(gone).metadata, resourceVersion: '4' } } };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  } as unknown as Client;
}

test('objects that only the server knows are counted without listing them all, and their going is told', async () => {
  const requests: string[] = [];
  const gone = Promise.withResolvers<string>();
  const counted = createCountedResources({ client: fakeClient(requests, 'b'), log: silent, onGone: gone.resolve });
  assert.equal(await counted.count('secrets', 'ns'), 3);
  assert.equal(await counted.count('count/secrets', 'ns'), 3);
  assert.equal(await counted.count('count/widgets.example.com', 'ns'), undefined);
  assert.equal(await gone.promise, 'ns');
  await counted.stop();
  assert.deepStrictEqual(
    requests.filter((path) => path.includes('secrets')),
    ['/api/v1/namespaces/ns/secrets?limit=1', '/api/v1/namespaces/ns/secrets?limit=1'],
  );
});
