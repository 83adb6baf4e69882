import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashNodePassword, verifyNodePassword } from './node-password.ts';

test('a node password is known again by its hash alone', async () => {
  const stored = await hashNodePassword('one');
  assert.match(stored, /^\$1:[0-9a-f]{16}:15:8:1:/);
  assert.deepEqual(
    [
      await verifyNodePassword('one', stored),
      await verifyNodePassword('two', stored),
      await verifyNodePassword('one', 'one'),
    ],
    [true, false, false],
  );
});
