import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCidrPool } from './pool.ts';

test('Pieces are handed out in turn, not twice, and come back', () => {
  const pool = createCidrPool('10.42.0.0/22', 24);
  pool.occupy('10.42.1.0/24');
  pool.occupy('192.168.0.0/24');
  assert.deepStrictEqual(
    [pool.take(), pool.take(), pool.take(), pool.take()],
    ['10.42.0.0/24', '10.42.2.0/24', '10.42.3.0/24', undefined],
  );
  pool.release('10.42.2.0/24');
  assert.equal(pool.take(), '10.42.2.0/24');
});

test('IPv6 networks are cut too, and too many pieces are refused', () => {
  assert.equal(createCidrPool('fd00:42::/56', 64).take(), 'fd00:42::/64');
  assert.throws(() => createCidrPool('10.0.0.0/8', 28));
});
