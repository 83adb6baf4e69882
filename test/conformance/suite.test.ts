import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allTests } from './suite.ts';

test('the list has the 446 conformance tests of 1.36, each once', async () => {
  const tests = await allTests();
  assert.equal(tests.length, 446);
  assert.equal(new Set(tests.map((t) => t.name)).size, 446);
});
