import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRules } from './rules.ts';
import type { Schema } from './structural.ts';

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      'x-kubernetes-validations': [
        { rule: 'self.min <= self.max', message: 'min is above max' },
        { rule: 'self.max < 100', messageExpression: '"max is " + string(self.max)' },
      ],
      properties: {
        min: { type: 'integer' },
        max: { type: 'integer' },
        name: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
        ports: {
          type: 'array',
          items: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.matches("^[a-z]+$")' }] },
        },
      },
    },
  },
} as Schema;

const texts = (value: object, old?: object): string[] =>
  checkRules({ spec: value }, old && { spec: old }, schema).map((cause) => `${cause.field}: ${cause.message}`);

test('rules of an object, with their messages', () => {
  assert.deepEqual(texts({ min: 1, max: 2 }), []);
  assert.deepEqual(texts({ min: 3, max: 2 }), ['spec: Invalid value: min is above max']);
  assert.deepEqual(texts({ min: 3, max: 200 }), ['spec: Invalid value: max is 200']);
});

test('a transition rule is asked only where there was a value', () => {
  assert.deepEqual(texts({ min: 1, max: 2, name: 'a' }), []);
  assert.deepEqual(texts({ min: 1, max: 2, name: 'a' }, { name: 'a' }), []);
  assert.deepEqual(texts({ min: 1, max: 2, name: 'b' }, { name: 'a' }), [
    'spec.name: Invalid value: "b": failed rule: self == oldSelf',
  ]);
});

test('items are checked one by one', () => {
  assert.deepEqual(texts({ min: 1, max: 2, ports: ['ok', 'NO'] }), [
    'spec.ports[1]: Invalid value: "NO": failed rule: self.matches("^[a-z]+$")',
  ]);
});

test('a property that is null is as one that is not there', () => {
  const properties = { a: { type: 'string', nullable: true } };
  const schema = { type: 'object', properties, 'x-kubernetes-validations': [{ rule: '!has(self.a)' }] } as Schema;
  assert.deepEqual(checkRules({ a: null }, undefined, schema), []);
  assert.equal(checkRules({ a: '' }, undefined, schema).length, 1);
});
