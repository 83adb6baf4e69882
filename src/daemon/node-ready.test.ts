import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../api/gen/core-v1.ts';
import type { Handler, InformerFactory } from '../client/informer.ts';
import { untilNodeReady } from './node-ready.ts';

const node = (name: string, status: string): Node => ({
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status }] },
});

test('whoever waits for a node goes on when it is Ready, or has not become it in time', async () => {
  const handlers = new Set<Handler<Node>>();
  const informers = {
    informer: () => ({
      addHandler(handler: Handler<Node>) {
        handlers.add(handler);
        return () => handlers.delete(handler);
      },
    }),
  } as unknown as InformerFactory;
  const never = new AbortController();
  let over = false;
  const waiting = untilNodeReady({ informers, nodeName: 'one', limitMs: 3_600_000, signal: never.signal }).then(() => {
    over = true;
  });
  const tell = async (seen: Node): Promise<void> => {
    for (const { update } of handlers) update?.(seen, seen);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await tell(node('two', 'True'));
  await tell(node('one', 'False'));
  assert.equal(over, false);
  await tell(node('one', 'True'));
  await waiting;
  assert.equal(handlers.size, 0);

  await untilNodeReady({ informers, nodeName: 'one', limitMs: 1, signal: never.signal });
  await untilNodeReady({ informers, nodeName: 'one', limitMs: 3_600_000, signal: AbortSignal.abort() });
  assert.equal(handlers.size, 0);
});
