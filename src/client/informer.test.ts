import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '../api/gen/core-v1.ts';
import { configmaps } from '../api/gen/resources.ts';
import { gone } from '../api/status.ts';
import { eventually } from '../base/eventually.ts';
import type { Transport } from './client.ts';
import { createClient } from './create-client.ts';
import { createInformer } from './informer.ts';

type Frame = { type: string; object: unknown } | 'end' | Error;

/** A server of one resource: lists come from `items`, watch frames are pushed by the test. */
interface FakeServer {
  transport: Transport;
  items: ConfigMap[];
  revision: string;
  lists: number;
  push(frame: Frame): void;
}

function fakeServer(): FakeServer {
  const waiting: ((frame: Frame) => void)[] = [];
  const frames: Frame[] = [];
  const server: FakeServer = {
    items: [] as ConfigMap[],
    revision: '10',
    lists: 0,
    push(frame: Frame) {
      const taker = waiting.shift();
      if (taker) taker(frame);
      else frames.push(frame);
    },
    transport: {
      async send() {
        server.lists += 1;
        return { status: 200, body: { metadata: { resourceVersion: server.revision }, items: [...server.items] } };
      },
      async *stream({ signal }) {
        while (!signal?.aborted) {
          const frame =
            frames.shift() ??
            (await new Promise<Frame>((resolve) => {
              waiting.push(resolve);
              signal?.addEventListener('abort', () => resolve('end'), { once: true });
            }));
          if (frame === 'end') return;
          if (frame instanceof Error) throw frame;
          yield frame;
        }
      },
    },
  };
  return server;
}

const map = (name: string, resourceVersion: string, value = ''): ConfigMap => ({
  metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion },
  data: { value },
});
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('An informer lists, follows changes in order, and freezes what it holds', async () => {
  const server = fakeServer();
  server.items = [map('a', '5')];
  const informer = createInformer({ client: createClient(server.transport), resource: configmaps });
  const seen: string[] = [];
  informer.addHandler({
    add: (o) => seen.push(`add ${o.metadata.name}`),
    update: (o, old) => seen.push(`update ${o.metadata.name} ${old.data?.value}→${o.data?.value}`),
    delete: (o) => seen.push(`delete ${o.metadata.name}`),
  });
  informer.start();
  await informer.synced;
  server.push({ type: 'ADDED', object: map('b', '11') });
  server.push({ type: 'MODIFIED', object: map('b', '12', 'x') });
  server.push({ type: 'DELETED', object: map('a', '13') });
  server.push({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '20' } } });
  await turn();
  assert.deepStrictEqual(seen, ['add a', 'add b', 'update b →x', 'delete a']);
  assert.equal(informer.resourceVersion, '20');
  assert.ok(Object.isFrozen(informer.get('b', 'ns')?.data));
  assert.deepStrictEqual(
    informer.list('ns').map((o) => o.metadata.name),
    ['b'],
  );
  await informer.stop();
});

test('An own write is seen at once, its watch event is none, and one that the watch has passed is ignored', async () => {
  const server = fakeServer();
  const informer = createInformer({ client: createClient(server.transport), resource: configmaps });
  const seen: string[] = [];
  informer.addHandler({ add: (o) => seen.push(`add ${o.metadata.name}`), update: () => seen.push('update') });
  informer.start();
  await informer.synced;
  informer.observe(map('mine', '15'));
  assert.equal(informer.get('mine', 'ns')?.metadata.resourceVersion, '15');
  server.push({ type: 'ADDED', object: map('mine', '15') });
  server.push({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '30' } } });
  await turn();
  informer.observe(map('gone-already', '25'));
  assert.deepStrictEqual(seen, ['add mine']);
  assert.equal(informer.get('gone-already', 'ns'), undefined);
  await informer.stop();
});

test('An expired revision makes it list again, and what vanished meanwhile is told', async () => {
  const server = fakeServer();
  server.items = [map('a', '5'), map('b', '6')];
  const informer = createInformer({ client: createClient(server.transport), resource: configmaps });
  const deleted: string[] = [];
  informer.addHandler({ delete: (o) => deleted.push(o.metadata.name ?? '') });
  informer.start();
  await informer.synced;
  server.items = [map('b', '6')];
  server.revision = '40';
  server.push(gone('too old resource version'));
  await eventually('the second list', () => assert.equal(informer.resourceVersion, '40'));
  assert.equal(server.lists, 2);
  assert.deepStrictEqual(deleted, ['a']);
  await informer.stop();
});

test('Objects are found by owner and by indexes added later', async () => {
  const server = fakeServer();
  const owned = map('a', '5');
  owned.metadata.ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }];
  server.items = [owned, map('b', '6', 'v')];
  const informer = createInformer({ client: createClient(server.transport), resource: configmaps });
  informer.start();
  await informer.synced;
  informer.addIndex('value', (o) => [o.data?.value ?? '']);
  assert.deepStrictEqual(
    informer.byIndex('owner', 'u').map((o) => o.metadata.name),
    ['a'],
  );
  assert.deepStrictEqual(
    informer.byIndex('value', 'v').map((o) => o.metadata.name),
    ['b'],
  );
  assert.throws(() => informer.byIndex('unknown', ''));
  await informer.stop();
});
