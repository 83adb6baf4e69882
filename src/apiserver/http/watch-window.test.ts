import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWatchWindow } from './watch-window.ts';

it('writes at once after a quiet time, and what comes soon after that together', async () => {
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
  assert.deepEqual(told, ['a+b']);
  await sleep(50);
  assert.deepEqual(told, ['a+b', 'c+d']);
  event('e');
  await Promise.resolve();
  assert.deepEqual(told, ['a+b', 'c+d', 'e']);
});
