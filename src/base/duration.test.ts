import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDuration, parseGoDuration } from './duration.ts';

test('durations are read as Go reads them', () => {
  assert.deepEqual(
    ['1m30s', '1.5h', '300ms', '-2s', '0'].map((text) => parseGoDuration(text)),
    [90_000, 5_400_000, 300, -2_000, 0],
  );
  assert.throws(() => parseGoDuration('5'), { message: 'time: missing unit in duration "5"' });
  assert.throws(() => parseGoDuration('bad'), { message: 'time: invalid duration "bad"' });
  for (const text of ['', '1s ']) assert.throws(() => parseGoDuration(text), /^Error: time: /);
  assert.throws(() => parseGoDuration('5x'), { message: 'time: unknown unit "x" in duration "5x"' });
});

test('durations are shown as Go shows them', () => {
  assert.deepEqual([0, 500, 1500, 90_000, 3_600_000, -1000].map(goDuration), [
    '0s',
    '500ms',
    '1.5s',
    '1m30s',
    '1h0m0s',
    '-1s',
  ]);
});
