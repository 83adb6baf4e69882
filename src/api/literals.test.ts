import assert from 'node:assert/strict';
import { test } from 'node:test';
import { microTimeText, timeText } from './literals.ts';

test('a moment is written in whole seconds, cut off, or with six decimals', () => {
  assert.deepStrictEqual(
    [1_999, 1_000, 2_000, 0].map((at) => timeText(new Date(at))),
    ['1970-01-01T00:00:01Z', '1970-01-01T00:00:01Z', '1970-01-01T00:00:02Z', '1970-01-01T00:00:00Z'],
  );
  assert.equal(microTimeText(new Date(1_999)), '1970-01-01T00:00:01.999000Z');
});
