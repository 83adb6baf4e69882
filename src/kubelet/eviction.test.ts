import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultThresholds, evictionOrder, shortSignals, thresholdAmount } from './eviction.ts';
import type { NodePod } from './pod/pod.ts';

const pod = (uid: string, priority: number, memory?: string): NodePod => ({
  metadata: { name: uid, namespace: 'n', uid },
  spec: { priority, containers: [{ name: 'c', ...(memory ? { resources: { requests: { memory } } } : {}) }] },
});

test('a threshold is an amount or a share', () => {
  assert.equal(thresholdAmount('100Mi', 1), 104_857_600);
  assert.equal(thresholdAmount('10%', 500), 50);
});

test('of a small memory a tenth is kept free, of others 100 MiB', () => {
  const kept = (bytes: number): number =>
    thresholdAmount(defaultThresholds(bytes)['memory.available'] ?? '', bytes) / 2 ** 20;
  assert.deepStrictEqual([kept(320 * 2 ** 20), kept(1000 * 2 ** 20), kept(8 * 2 ** 30)], [32, 100, 100]);
});

test('only what is below its threshold is short', () => {
  const found = shortSignals(
    { 'memory.available': '100', 'nodefs.available': '10%' },
    { 'memory.available': { available: 99, capacity: 1000 }, 'nodefs.available': { available: 100, capacity: 1000 } },
  );
  assert.deepStrictEqual(found, [{ signal: 'memory.available', threshold: '100', available: 99 }]);
  assert.throws(() => shortSignals({ 'moon.available': '1' }, {}), /unknown eviction signal moon.available/);
});

test('who uses more than asked goes first, then low priority, then who is farthest over', () => {
  const pods = [pod('within', 0, '1Gi'), pod('far', 5), pod('near', 5), pod('low', 1)];
  const memory = new Map([
    ['within', 1000],
    ['far', 900],
    ['near', 10],
    ['low', 1],
  ]);
  const order = evictionOrder(pods, 'memory.available', { memory, disk: new Map() });
  assert.deepStrictEqual(
    order.map((p) => p.metadata.uid),
    ['low', 'far', 'near', 'within'],
  );
});
