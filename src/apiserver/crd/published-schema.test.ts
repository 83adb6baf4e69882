import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindFields, publishedKind, publishedSchema } from './published-schema.ts';
import type { Schema } from './structural.ts';

const either = [{ type: 'integer' }, { type: 'string' }];

const cases: [string, Schema, object, object][] = [
  [
    'nested fields are published with their documentation',
    { type: 'object', properties: { bars: { type: 'array', items: { type: 'object', description: 'A bar.' } } } },
    { type: 'object', properties: { bars: { type: 'array', items: { type: 'object', description: 'A bar.' } } } },
    { type: 'object', properties: { bars: { type: 'array', items: { type: 'object', description: 'A bar.' } } } },
  ],
  [
    'a field that may be null has no type in version 2 and is not required there',
    {
      type: 'object',
      required: ['a', 'b'],
      properties: { a: { type: 'string', nullable: true }, b: { type: 'string' } },
    },
    { type: 'object', required: ['b'], properties: { a: {}, b: { type: 'string' } } },
    {
      type: 'object',
      required: ['a', 'b'],
      properties: { a: { type: 'string', nullable: true }, b: { type: 'string' } },
    },
  ],
  [
    'an object that keeps unknown fields is neither typed nor described in version 2',
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
    { 'x-kubernetes-preserve-unknown-fields': true },
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
  ],
  [
    'a default may be false or empty; a flag that is not set is left out',
    { type: 'boolean', default: false, uniqueItems: false, nullable: false },
    { type: 'boolean', default: false },
    { type: 'boolean', default: false },
  ],
  [
    'what is an integer or a string says so where that can be said',
    { 'x-kubernetes-int-or-string': true },
    { 'x-kubernetes-int-or-string': true },
    { 'x-kubernetes-int-or-string': true, anyOf: either },
  ],
  [
    'an embedded resource has the fields of every kind',
    { type: 'object', 'x-kubernetes-embedded-resource': true },
    {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      required: ['kind', 'apiVersion'],
      properties: kindFields,
    },
    {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      required: ['kind', 'apiVersion'],
      properties: kindFields,
    },
  ],
];
for (const [name, schema, v2, v3] of cases)
  test(name, () => {
    assert.deepStrictEqual(publishedSchema(schema, 'v2'), v2);
    assert.deepStrictEqual(publishedSchema(schema, 'v3'), v3);
  });

test('a kind without a schema, and an open one in version 2, forbids nothing', () => {
  assert.deepStrictEqual(publishedKind(undefined, 'v3'), { type: 'object' });
  const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  assert.deepStrictEqual(publishedKind(open, 'v2'), { type: 'object' });
  assert.deepStrictEqual(publishedKind(open, 'v3'), { ...open, properties: kindFields });
});
