import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDuration, parseGoDuration } from './duration.ts';

const rows: [string, number | undefined][] = [
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5s', 1500],
  ['0', 0],
  ['0s', 0],
  ['-1s', -1000],
  ['', undefined],
  ['5', undefined],
  ['1s ', undefined],
  ['s', undefined],
];
for (const [text, expected] of rows)
  test(`${JSON.stringify(text)} is ${expected} ms`, () => assert.equal(parseGoDuration(text), expected));

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
