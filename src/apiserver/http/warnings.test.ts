import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warningHeaders } from './warnings.ts';

test('a warning is quoted; what cannot stand in a header is left out', () => {
  assert.deepStrictEqual(warningHeaders(['a "b" \\', '', 'two\nlines', 'ü', 'ü']), [
    '299 - "a \\"b\\" \\\\"',
    `299 - "${Buffer.from('ü').toString('latin1')}"`,
  ]);
});

test('all of them together have a limit, from which on each one is cut', () => {
  const long = Array.from({ length: 40 }, (_, i) => `${i} ${'y'.repeat(400)}`);
  const sizes = warningHeaders(long).map((header) => header.length - '299 - ""'.length);
  assert.deepStrictEqual(
    sizes,
    Array.from({ length: 16 }, () => 256),
  );
  assert.equal(warningHeaders(['x'.repeat(4096)])[0]?.length, 4096 + '299 - ""'.length);
});
