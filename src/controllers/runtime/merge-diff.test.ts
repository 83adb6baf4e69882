import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeDiff, sameJson } from './merge-diff.ts';

const cases: [string, unknown, unknown, unknown][] = [
  ['the same is nothing', { a: { b: [1] } }, { a: { b: [1] } }, undefined],
  ['undefined is absent', { a: 1 }, { a: 1, b: undefined }, undefined],
  ['a changed leaf', { a: { b: 1, c: 2 } }, { a: { b: 3, c: 2 } }, { a: { b: 3 } }],
  ['a removed field becomes null', { a: { b: 1, c: 2 } }, { a: { c: 2 } }, { a: { b: null } }],
  ['lists are taken whole', { a: [1, 2] }, { a: [1, 3] }, { a: [1, 3] }],
  ['a new map', {}, { a: { b: 1 } }, { a: { b: 1 } }],
];
for (const [name, old, next, patch] of cases) {
  test(`A merge patch: ${name}`, () => assert.deepStrictEqual(mergeDiff(old, next), patch));
}

test('Values are compared as JSON', () => {
  assert.ok(sameJson({ a: undefined, b: [{ c: 1 }] }, { b: [{ c: 1 }] }));
  assert.ok(!sameJson({ a: 1 }, { a: 1, b: 2 }));
  assert.ok(!sameJson([1, 2], [1]));
});
