import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '../../api/gen/apps-v1.ts';
import { annotation, highestRevision, newReplicas, newSetAnnotations } from './replica-sets.ts';
import { isScaled, scaledSizes, shrinkOld } from './scale.ts';

const deployment = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment =>
  ({
    metadata: { name: 'd', annotations: { note: 'x' } },
    spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
  }) as unknown as Deployment;

const set = (name: string, replicas: number, available = replicas, before = replicas): ReplicaSet =>
  ({
    metadata: {
      name,
      uid: name,
      creationTimestamp: `2026-01-0${name.length}T00:00:00Z`,
      annotations: { [annotation.desiredReplicas]: String(before), [annotation.maxReplicas]: String(before) },
    },
    spec: { replicas },
    status: { replicas, availableReplicas: available },
  }) as unknown as ReplicaSet;

const sizes = (found: ReturnType<typeof scaledSizes>): Record<string, number> =>
  Object.fromEntries(found.map((s) => [s.set.metadata.name, s.replicas]));

test('The new set grows as far as the surge leaves room', () => {
  assert.equal(newReplicas(deployment(10, 3, 2), [set('a', 10)], 0), 3);
  assert.equal(newReplicas(deployment(10, 3, 2), [set('a', 8), set('bb', 3)], 3), 5);
  assert.equal(newReplicas(deployment(10, 3, 2), [set('a', 8), set('bb', 5)], 5), 5);
});

test('Old sets shrink by unhealthy pods first, then by what availability leaves over', () => {
  const found = shrinkOld(deployment(10, 3, 2), set('bb', 3, 0), [set('a', 10, 7)]);
  assert.deepStrictEqual(sizes(found), { a: 8 });
  assert.deepStrictEqual(sizes(shrinkOld(deployment(10, 3, 2), set('bb', 5, 5), [set('a', 8)])), { a: 3 });
  assert.deepStrictEqual(shrinkOld(deployment(10, 3, 2), set('bb', 5, 0), [set('a', 8)]), []);
});

test('Scaling in the middle of a roll-out is shared in proportion, and nothing is lost by rounding', () => {
  const d = deployment(20, 0, 2);
  const found = sizes(scaledSizes(d, set('bb', 3, 1, 10), [set('a', 7, 7, 10)]));
  assert.deepStrictEqual(found, { a: 14, bb: 6 });
  assert.ok(isScaled(d, [set('a', 7, 7, 10)]));
  assert.ok(!isScaled(d, [set('a', 7, 7, 20)]));
});

test('The only active set takes all of a scaling', () => {
  assert.deepStrictEqual(sizes(scaledSizes(deployment(5, 1, 1), set('bb', 0), [set('a', 3)])), { a: 5 });
});

test('A set that is used again keeps the list of its former revisions', () => {
  const old = { [annotation.revision]: '1', kept: 'y' };
  assert.deepStrictEqual(newSetAnnotations(deployment(1, 1, 0), old, 3n, true), {
    kept: 'y',
    note: 'x',
    [annotation.revision]: '3',
    [annotation.revisionHistory]: '1',
  });
});

test('Revisions are counted exactly, however large', () => {
  const of = (revision: string) => ({ metadata: { annotations: { [annotation.revision]: revision } } }) as ReplicaSet;
  assert.strictEqual(highestRevision([of('3546343826724305832'), of('7'), of('none')]) + 1n, 3546343826724305833n);
});
