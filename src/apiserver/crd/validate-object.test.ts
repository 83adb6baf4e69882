import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft, Frozen } from '../registry/types.ts';
import type { Schema } from './structural.ts';
import { objectProblems, objectWarnings } from './validate-object.ts';

const body = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['kept'],
      'x-kubernetes-validations': [{ rule: 'self.kept != "bad"', message: 'kept is bad' }],
      properties: {
        kept: { type: 'string' },
        size: { type: 'integer', maximum: 5 },
        replicas: { type: 'integer' },
        sub: {
          type: 'object',
          required: ['a'],
          properties: { a: { type: 'string' }, b: { type: 'string', pattern: '^x' } },
        },
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', properties: { name: { type: 'string' }, n: { type: 'integer', minimum: 1 } } },
        },
        plain: { type: 'array', items: { type: 'string', maxLength: 1 } },
        embedded: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          'x-kubernetes-preserve-unknown-fields': true,
        },
      },
    },
    status: { type: 'object', properties: { n: { type: 'integer', maximum: 5 } } },
  },
} as unknown as Schema;
const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.n' };

const object = (spec: object, more: object = {}): Draft =>
  ({
    apiVersion: 'g/v1',
    kind: 'K',
    metadata: { name: 'a' },
    spec: { kept: 'x', ...spec },
    ...more,
  }) as unknown as Draft;
const told = (now: Draft, old?: Draft, subresource?: string): string[] =>
  objectProblems({ schema: body, body, scale }, now, old as Frozen | undefined, subresource).map(
    ({ field, message }) => `${field}: ${message}`,
  );

test('what was wrong before and has not been touched is let be', () => {
  const wrong = object({ size: 9, sub: { b: 'no' }, plain: ['long'], items: [{ name: 'i', n: 0 }] });
  const unchecked =
    '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
  assert.equal(told(wrong).length, 6);
  assert.ok(told(wrong).includes(unchecked));
  assert.deepStrictEqual(told(structuredClone(wrong), wrong), []);
  const moved = object({
    size: 9,
    sub: { b: 'no' },
    plain: ['long'],
    items: [
      { name: 'z', n: 1 },
      { name: 'i', n: 0 },
    ],
  });
  assert.deepStrictEqual(told(moved, wrong), []);
});

test('a part that has changed is checked as a whole, but for what is below and has not', () => {
  const wrong = object({ sub: { b: 'no' }, plain: ['long'] });
  const changed = object({ sub: { b: 'no', c: 'new' }, plain: ['long', 'b'] });
  assert.deepStrictEqual(told(changed, wrong), [
    'spec.sub.a: Required value',
    'spec.plain[0]: Too long: may not be more than 1 byte',
    '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  ]);
});

test('rules about values that have not changed are told as warnings, once', () => {
  const bad = object({ kept: 'bad' });
  assert.deepStrictEqual(told(bad), ['spec: Invalid value: kept is bad']);
  const same = object({ kept: 'bad' }, { status: { n: 1 } });
  assert.deepStrictEqual(told(same, bad), []);
  assert.deepStrictEqual(objectWarnings(same, bad as Frozen), ['spec: Invalid value: kept is bad']);
  assert.deepStrictEqual(objectWarnings(same, bad as Frozen), []);
});

test('items of maps and sets are there once; an old fault of this kind is let be', () => {
  const twice = object({
    items: [
      { name: 'i', n: 1 },
      { name: 'i', n: 2 },
      { name: 'i', n: 3 },
    ],
  });
  assert.deepStrictEqual(told(twice), ['spec.items[1]: Duplicate value: {"name":"i"}']);
  const still = object({ ...(twice.spec as object), size: 1 });
  assert.deepStrictEqual(told(still, twice), []);
});

test('scales are numbers of replicas, embedded resources say what they are', () => {
  assert.deepStrictEqual(told(object({ replicas: -1, embedded: { kind: 'Bad_Kind' } })), [
    '.spec.replicas: Invalid value: -1: should be a non-negative integer',
    'spec.embedded.apiVersion: Required value',
    `spec.embedded.kind: Invalid value: "Bad_Kind": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  ]);
});

test('a write of the status is held to the schema of the status', () => {
  const old = object({ size: 9 });
  assert.deepStrictEqual(told(object({ size: 9 }, { status: { n: 9 } }), old, 'status'), [
    'status.n: Invalid value: 9: n in body should be less than or equal to 5',
  ]);
});

test('finalizers without a domain are warned about where they are new', () => {
  const withFinalizers = (...finalizers: string[]) => object({}, { metadata: { name: 'a', finalizers } });
  const why = 'to avoid accidental conflicts with other finalizer writers';
  assert.deepStrictEqual(objectWarnings(withFinalizers('a/b', 'plain', 'dotted.io', 'orphan'), undefined), [
    `metadata.finalizers: "dotted.io": prefer a domain-qualified finalizer name including a path (/) ${why}`,
    `metadata.finalizers: "plain": prefer a domain-qualified finalizer name ${why}`,
  ]);
  assert.deepStrictEqual(objectWarnings(withFinalizers('plain'), withFinalizers('plain') as Frozen), []);
});
