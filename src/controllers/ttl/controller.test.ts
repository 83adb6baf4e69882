import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepFor } from './controller.ts';

test('a cluster changes its step only when its size leaves the step', () => {
  const sizes = [1, 100, 101, 95, 90, 89, 600, 1900, 2001, 1800, 1799, 3];
  const seen: number[] = [];
  let step = 0;
  for (const size of sizes) {
    step = stepFor(size, step);
    seen.push(step);
  }
  assert.deepEqual(seen, [0, 0, 1, 1, 1, 0, 2, 3, 4, 4, 3, 0]);
});
