import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coerceEmbedded, embeddedProblems } from './embedded.ts';
import type { Schema } from './structural.ts';

const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true };
const schema = {
  type: 'object',
  properties: {
    one: embedded,
    list: { type: 'array', items: embedded },
    map: { type: 'object', additionalProperties: embedded },
  },
} as unknown as Schema;
const pod = (metadata?: unknown): object => ({ apiVersion: 'v1', kind: 'Pod', ...(metadata ? { metadata } : {}) });

test('metadata of embedded objects is brought to the form of metadata, wherever they are', () => {
  const object = { one: pod({ labels: { a: 'b' }, x: 1 }), list: [pod({ y: 1 })], map: { k: pod({ z: 1 }) } };
  assert.deepEqual(coerceEmbedded(object, schema), ['list[0].metadata.y', 'map[k].metadata.z', 'one.metadata.x']);
  assert.deepEqual(object, { one: pod({ labels: { a: 'b' } }), list: [pod({})], map: { k: pod({}) } });
});

test('what cannot be metadata is an error of the whole', () => {
  const why = 'one.metadata: Invalid value: ["a"]: json: cannot unmarshal array into Go value of type v1.ObjectMeta';
  assert.throws(() => coerceEmbedded({ one: pod(['a']) }, schema), { message: why });
  assert.throws(() => coerceEmbedded({ one: { kind: 5 } }, schema), /one\.kind: Invalid value: 5: must be a string/);
});

test('embedded metadata is held to the rules of metadata; a name is not required', () => {
  const object = { one: pod({ generateName: '.' }), list: [pod({ name: '..' })], map: { k: pod({ namespace: 'B' }) } };
  assert.deepEqual(
    embeddedProblems(object, schema).map(({ field }) => field),
    ['list[0].metadata.name', 'map[k].metadata.namespace'].sort(),
  );
  assert.deepEqual(
    embeddedProblems({ one: {} }, schema).map(({ field }) => field),
    ['one.apiVersion', 'one.kind'],
  );
});
