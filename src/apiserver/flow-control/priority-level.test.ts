import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPriorityLevel, handOf, RefusedError } from './priority-level.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('seats are given at once while there are some, then in turn by flow', async () => {
  const level = createPriorityLevel({ seats: 1, queues: 64, handSize: 6, queueLength: 10 }, 1000);
  assert.equal(level.enter('a'), undefined);
  const served: string[] = [];
  const ask = (flow: string): void => void level.enter(flow)?.then(() => served.push(flow));
  for (let i = 0; i < 8; i++) ask('flood');
  ask('quiet');
  assert.equal(level.waiting, 9);
  // A flood fills its own hand; the quiet flow finds a queue that is empty or short.
  for (let i = 0; i < 9; i++) {
    level.leave();
    await settle();
  }
  assert.equal(served.length, 9);
  assert.ok(served.indexOf('quiet') < 8, served.join());
  level.leave();
  assert.equal(level.executing, 0);
});

test('who finds his queues full, or waits too long, is refused', async () => {
  const level = createPriorityLevel({ seats: 1, queues: 2, handSize: 1, queueLength: 1 }, 20);
  level.enter('a');
  const first = assert.rejects(Promise.resolve(level.enter('x')), new RefusedError('time-out'));
  await assert.rejects(Promise.resolve(level.enter('x')), new RefusedError('queue-full'));
  await new Promise((resolve) => setTimeout(resolve, 40));
  await first;
  assert.equal(level.waiting, 0);
  const none = createPriorityLevel({ seats: 0, queues: 0, handSize: 0, queueLength: 0 }, 20);
  await assert.rejects(Promise.resolve(none.enter('x')), new RefusedError('concurrency-limit'));
});

test('a hand is of different queues', () => {
  for (const flow of ['a', 'b', 'system:serviceaccount:x:y', '']) {
    const hand = handOf(flow, 16, 4);
    assert.equal(new Set(hand).size, 4);
    assert.ok(hand.every((card) => card >= 0 && card < 16));
  }
});
