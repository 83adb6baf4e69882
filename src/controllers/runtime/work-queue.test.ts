import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkQueue } from './work-queue.ts';

test('A key waits once, and comes again after the one who works on it is done', async () => {
  const queue = createWorkQueue();
  queue.add('a');
  queue.add('a');
  queue.add('b');
  assert.equal(queue.length, 2);
  assert.equal(await queue.take(), 'a');
  queue.add('a');
  assert.equal(await queue.take(), 'b');
  assert.equal(queue.length, 0);
  queue.done('a');
  assert.equal(await queue.take(), 'a');
  queue.close();
  assert.equal(await queue.take(), undefined);
});

test('Of several times the earliest holds, and failures wait longer each time until forgotten', async () => {
  const queue = createWorkQueue({ initialBackoffMs: 20 });
  const began = performance.now();
  queue.addAfter('a', 10_000);
  queue.addAfter('a', 5);
  assert.equal(await queue.take(), 'a');
  assert.ok(performance.now() - began < 1000);
  queue.done('a');
  const waits: number[] = [];
  for (let i = 0; i < 3; i++) {
    const from = performance.now();
    queue.addRateLimited('a');
    await queue.take();
    waits.push(performance.now() - from);
    queue.done('a');
  }
  const [first = 0, second = 0, third = 0] = waits;
  assert.ok(first < second && second < third && third > 70, waits.join(' '));
  queue.close();
});
