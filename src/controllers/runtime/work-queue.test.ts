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

test('Of several times the earliest holds, and failures wait longer each time until forgotten', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = createWorkQueue({ initialBackoffMs: 20 });
  /** After how many milliseconds the key is there; it is taken then. */
  const wait = async (): Promise<number> => {
    let ms = 0;
    for (; queue.length === 0; ms++) t.mock.timers.tick(1);
    queue.done((await queue.take()) ?? '');
    return ms;
  };
  queue.addAfter('a', 10_000);
  queue.addAfter('a', 5);
  queue.addAfter('a', 7);
  assert.equal(await wait(), 5);
  const waits: number[] = [];
  for (let i = 0; i < 3; i++) {
    queue.addRateLimited('a');
    waits.push(await wait());
  }
  queue.forget('a');
  queue.addRateLimited('a');
  assert.deepEqual([...waits, await wait()], [20, 40, 80, 20]);
  queue.close();
});
