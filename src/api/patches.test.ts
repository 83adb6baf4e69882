import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyJsonPatch } from './patch-json.ts';
import { applyMergePatch } from './patch-merge.ts';
import { applyStrategicPatch } from './patch-strategic.ts';

const pod = { group: '', version: 'v1', kind: 'Pod' };

const container = (name: string, image: string) => ({ name, image });

const strategic: [name: string, before: object, patch: object, after: object][] = [
  [
    'containers merge by name; what is only on the server keeps its place',
    { spec: { containers: [container('a', '1'), container('b', '1')] } },
    { spec: { containers: [container('b', '2'), container('c', '1')] } },
    { spec: { containers: [container('a', '1'), container('b', '2'), container('c', '1')] } },
  ],
  [
    'an item with $patch: delete goes',
    { spec: { containers: [container('a', '1'), container('b', '1')] } },
    { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
    { spec: { containers: [container('b', '1')] } },
  ],
  [
    'a list with $patch: replace is replaced',
    { spec: { containers: [container('a', '1')] } },
    { spec: { containers: [{ $patch: 'replace' }, container('z', '1')] } },
    { spec: { containers: [container('z', '1')] } },
  ],
  [
    '$setElementOrder orders',
    { spec: { containers: [container('a', '1'), container('b', '1')] } },
    { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }], containers: [container('b', '2')] } },
    { spec: { containers: [container('b', '2'), container('a', '1')] } },
  ],
  [
    '$deleteFromPrimitiveList deletes',
    { metadata: { finalizers: ['x', 'y'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['x'], '$setElementOrder/finalizers': ['y'] } },
    { metadata: { finalizers: ['y'] } },
  ],
  [
    '$retainKeys drops what it does not name',
    { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
    { spec: { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] } },
    { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
  ],
  [
    'null deletes, atomic lists are replaced, maps merge',
    { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'a', args: ['x', 'y'] }] } },
    { metadata: { labels: { a: null, c: '3' } }, spec: { containers: [{ name: 'a', args: ['z'] }] } },
    { metadata: { labels: { b: '2', c: '3' } }, spec: { containers: [{ name: 'a', args: ['z'] }] } },
  ],
];

for (const [name, before, patch, after] of strategic) {
  test(`strategic: ${name}`, () => {
    const kept = structuredClone(before);
    assert.deepStrictEqual(applyStrategicPatch(pod, before, patch), after);
    assert.deepStrictEqual(before, kept);
  });
}

const json: [name: string, before: unknown, patch: object[], after: unknown][] = [
  [
    'add to a list and to an object',
    { a: [1] },
    [
      { op: 'add', path: '/a/0', value: 0 },
      { op: 'add', path: '/b~1c', value: 1 },
    ],
    { a: [0, 1], 'b/c': 1 },
  ],
  ['append', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
  [
    'remove',
    { a: [1, 2], b: 1 },
    [
      { op: 'remove', path: '/a/0' },
      { op: 'remove', path: '/b' },
    ],
    { a: [2] },
  ],
  [
    'move and copy',
    { a: 1 },
    [
      { op: 'move', from: '/a', path: '/b' },
      { op: 'copy', from: '/b', path: '/c' },
    ],
    { b: 1, c: 1 },
  ],
  ['test', { a: { b: [1] } }, [{ op: 'test', path: '/a', value: { b: [1] } }], { a: { b: [1] } }],
];

for (const [name, before, patch, after] of json) {
  test(`json: ${name}`, () => assert.deepStrictEqual(applyJsonPatch(before, patch), after));
}

for (const patch of [
  [{ op: 'remove', path: '/x' }],
  [{ op: 'test', path: '/a', value: 2 }],
  [{ op: 'add', path: '/x/y', value: 1 }],
  [{ op: 'frob', path: '/a' }],
]) {
  test(`json: ${JSON.stringify(patch)} is refused`, () =>
    assert.throws(() => applyJsonPatch({ a: 1 }, patch), { code: 422, reason: 'Invalid' }));
}

test('merge: null deletes, also inside what is new', () => {
  assert.deepStrictEqual(applyMergePatch({ a: 1, b: { c: 1 } }, { a: null, b: { d: 2 }, e: { f: null } }), {
    b: { c: 1, d: 2 },
    e: {},
  });
});

const refused: readonly [patch: object, message: string][] = [
  [{ spec: { containers: ['x'] } }, 'list element types are not identical: [[map[name:c]] [x]]'],
  [{ spec: { containers: [null] } }, 'list element types are not identical: [[map[name:c]] [<nil>]]'],
  [
    { spec: { '$setElementOrder/zzz': ['a'], zzz: ['a'] } },
    'unable to find api field in struct PodSpec for the json field "zzz"',
  ],
  [{ spec: { '$setElementOrder/containers': 'x' } }, 'expected a []interface {}, but received a string'],
  [{ spec: { '$setElementOrder/containers': ['x'] } }, 'value for key 0 is not a map'],
];

for (const [patch, message] of refused) {
  test(`strategic: ${JSON.stringify(patch)} is refused`, () =>
    assert.throws(() => applyStrategicPatch(pod, { spec: { containers: [{ name: 'c' }] } }, patch), {
      code: 500,
      message,
    }));
}
