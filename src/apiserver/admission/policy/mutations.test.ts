import assert from 'node:assert/strict';
import { test } from 'node:test';
import { celValue, Message } from '../../cel/values.ts';
import type { Draft, Registry } from '../../registry/types.ts';
import { attributes } from '../testing.ts';
import type { Evaluation } from './evaluation.ts';
import { mutated } from './mutations.ts';

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: '1' } } as unknown as Draft;
const a = { ...attributes({ on: '/configmaps', object }), kind: { group: '', version: 'v1', kind: 'ConfigMap' } };
const says = (value: unknown): Evaluation => ({ evaluate: () => celValue(value), matches: () => true });

const patched = (...operations: object[]): unknown =>
  mutated({} as Registry, object, { patchType: 'JSONPatch', jsonPatch: { expression: 'x' } }, says(operations), a).data;

test('a patch whose test fails is not for this object; one that does not apply is told', () => {
  const added = { op: 'add', path: '/data/b', value: '2' };
  assert.deepStrictEqual(patched(added), { a: '1', b: '2' });
  assert.deepStrictEqual(patched({ op: 'test', path: '/data/a', value: '0' }, added), { a: '1' });
  assert.throws(() => patched({ op: 'remove', path: '/data/b' }), {
    message: "JSON Patch: error in remove for path: '/data/b': Unable to remove nonexistent key: b: missing value",
  });
});

test('a configuration replaces nothing that is one piece, be it in a list', () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' };
  const applied = (metadata: object) =>
    mutated(
      {} as Registry,
      object,
      { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'x' } },
      says({ metadata }),
      a,
    ).metadata;
  assert.deepStrictEqual(applied({ labels: { a: 'b' } }), { name: 'a', labels: { a: 'b' } });
  assert.throws(() => applied({ ownerReferences: [owner] }), {
    message:
      'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .metadata.ownerReferences[0]',
  });
});

test('a literal is called what the place is called where it stands', () => {
  const literal = (name: string, fields: Record<string, unknown>): Message => {
    const made = new Message(name);
    for (const [key, value] of Object.entries(fields)) made.set(key, value);
    return made;
  };
  const applied = (metadata: Message) =>
    mutated(
      {} as Registry,
      object,
      { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'x' } },
      { evaluate: () => literal('Object', { metadata }), matches: () => true },
      a,
    ).metadata;
  const labels = new Map([['a', 'b']]);
  assert.deepStrictEqual(applied(literal('Object.metadata', { labels })), { name: 'a', labels: { a: 'b' } });
  assert.throws(() => applied(literal('Object.wrong', { labels })), {
    message:
      'type mismatch: unexpected type name "Object.wrong", expected "Object.metadata", which matches field name path from root Object type',
  });
});
