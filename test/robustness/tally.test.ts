import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTally } from './tally.ts';

test('every point is named with how often, and what came of it', () => {
  const tally = createTally();
  for (const [point, outcome] of [
    ['write.end', 'whole'],
    ['clear', 'nothing'],
    ['write.end', 'nothing'],
    ['write.end', 'whole'],
  ] as const)
    tally.count(point, outcome);
  assert.equal(tally.total, 4);
  assert.equal(tally.text(), '  write.end    3  (whole 2, nothing 1)\n  clear        1  (nothing 1)\n');
});
