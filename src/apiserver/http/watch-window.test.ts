import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createWatchWindow, windowAfter } from './watch-window.ts';

it('writes at once after a quiet time, and what comes soon after that together', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const window = createWatchWindow();
  const told: string[] = [];
  let waiting: string[] = [];
  const flush = (): void => {
    told.push(waiting.join('+'));
    waiting = [];
  };
  const event = (name: string): void => {
    waiting.push(name);
    window.add(flush);
  };
  event('a');
  event('b');
  await Promise.resolve();
  assert.deepEqual(told, ['a+b']);
  event('c');
  await Promise.resolve();
  event('d');
  t.mock.timers.tick(9);
  assert.deepEqual(told, ['a+b']);
  t.mock.timers.tick(1);
  assert.deepEqual(told, ['a+b', 'c+d']);
  t.mock.timers.tick(10);
  event('e');
  await Promise.resolve();
  assert.deepEqual(told, ['a+b', 'c+d', 'e']);
});

it('waits longer the more watchers there are to write to', () => {
  assert.deepEqual([1, 25, 50, 200, 250, 5_000].map(windowAfter), [10, 10, 20, 80, 100, 100]);
});
