import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyedBackoff } from './backoff.ts';

const at = 1_000_000;
const backoff = () => createKeyedBackoff({ initialMs: 10_000, maxMs: 300_000, now: () => at, bootedAt: at - 60_000 });

test('a restarted process goes on where the one before was', () => {
  const restored = backoff();
  restored.restore('web', 3, at - 5_000);
  assert.equal(restored.remaining('web', at), 40_000);
});

test('restarts of an earlier life of the machine do not count', () => {
  const restored = backoff();
  restored.restore('web', 6, at - 61_000);
  assert.equal(restored.remaining('web', at), 0);
});
