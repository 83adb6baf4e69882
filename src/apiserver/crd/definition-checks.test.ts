import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomResourceDefinition } from '../../api/gen/apiextensions-v1.ts';
import { definitionProblems, formatWarnings } from './definition-checks.ts';

const crd = (spec: object): CustomResourceDefinition =>
  ({
    metadata: { name: 'x' },
    spec: {
      versions: [
        {
          name: 'v1',
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', ...spec } } } },
        },
      ],
    },
  }) as unknown as CustomResourceDefinition;

const properties = {
  x: { type: 'integer' },
  name: { type: 'string', maxLength: 10 },
  when: { type: 'string', format: 'date-time' },
  'with-dash': { type: 'boolean' },
  list: { type: 'array', maxItems: 10, items: { type: 'object', properties: { a: { type: 'string' } } } },
  labels: { type: 'object', additionalProperties: { type: 'string' } },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  port: { 'x-kubernetes-int-or-string': true },
};

const problems = (rule: string, more: object = {}): string[] =>
  definitionProblems(crd({ properties, 'x-kubernetes-validations': [{ rule, ...more }] })).map((c) => c.message ?? '');

test('rules that fit the schema', () => {
  const good = [
    'self.x > 1 && self.name.startsWith("a")',
    'self.list.all(i, i.a == "b") && self.list.exists_one(i, has(i.a))',
    '!has(self.labels) || self.labels.all(k, self.labels[k] != "")',
    'self.with__dash__dash && self.when < timestamp("2030-01-01T00:00:00Z")',
    'has(self.free) || self.port == 1 || self.port == "http"',
    'self.x == oldSelf.x',
  ];
  for (const rule of good) assert.deepEqual(problems(rule), [], rule);
  assert.deepEqual(problems('oldSelf.hasValue() || self.x == 1', { optionalOldSelf: true }), []);
});

test('rules that do not', () => {
  assert.match(problems('self.z == 100')[0] ?? '', /undefined field 'z'/);
  assert.match(problems('self = 42')[0] ?? '', /compilation failed: ERROR: <input>:1:6: Syntax error/);
  assert.match(problems('self.x > "1"')[0] ?? '', /found no matching overload for '_>_' applied to '\(int, string\)'/);
  assert.match(problems('self.x')[0] ?? '', /cel expression must evaluate to a bool$/);
  assert.match(
    problems('self.x > 1', { messageExpression: 'self.x' })[0] ?? '',
    /messageExpression must evaluate to a string$/,
  );
});

test('defaults have to be what their schema allows', () => {
  const withDefault = (schema: object): string[] =>
    definitionProblems(crd({ properties: { a: schema } })).map((c) => `${c.field}: ${c.message}`);
  assert.deepEqual(withDefault({ type: 'integer', default: 3 }), []);
  assert.equal(withDefault({ type: 'integer', default: 'x' }).length, 1);
  assert.match(
    withDefault({ type: 'object', properties: {}, default: { b: 1 } })[0] ?? '',
    /properties\[a\]\.default: .*must not have unknown fields/,
  );
});

test('formats that nobody knows are told', () => {
  const known = crd({
    properties: { a: { type: 'string', format: 'date-time' }, b: { type: 'integer', format: 'int32' } },
  });
  assert.deepEqual(formatWarnings(known), []);
  const odd = crd({ properties: { a: { type: 'string', format: 'telephone' } } });
  assert.deepEqual(formatWarnings(odd), ['unrecognized format "telephone"']);
  assert.deepEqual(formatWarnings(odd, odd), []);
});

test('rules that would cost too much where they stand', () => {
  const rule = { 'x-kubernetes-validations': [{ rule: "self.all(s, s == 'text')" }] };
  const of = (bound: object): string[] =>
    definitionProblems(
      crd({
        properties: {
          x: { type: 'array', ...bound, items: { type: 'array', ...bound, items: { type: 'string' }, ...rule } },
        },
      }),
    ).map((c) => c.message ?? '');
  assert.deepEqual(of({ maxItems: 100 }), []);
  assert.match(of({})[0] ?? '', /^Forbidden: estimated rule cost exceeds budget by factor of more than 100x/);
});

test('defaults of embedded metadata have to be metadata', () => {
  const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true };
  const name = (text: unknown, type = 'string') => ({
    metadata: { type: 'object', properties: { name: { type, default: text } } },
  });
  const told = (schema: object): string[] =>
    definitionProblems(crd({ properties: { a: { ...embedded, ...schema } } })).map((c) => `${c.field}: ${c.message}`);
  const at = 'spec.validation.openAPIV3Schema.properties[spec].properties[a]';
  assert.deepEqual(told({ properties: name('fine') }), []);
  assert.deepEqual(told({ properties: name('a/b') }), [
    `${at}.properties[metadata].properties[name].default: Invalid value: "a/b": must result in valid metadata: metadata.name: Invalid value: "a/b": may not contain '/'`,
  ]);
  assert.deepEqual(
    told({ default: { apiVersion: 'v1', kind: 'Pod' }, 'x-kubernetes-preserve-unknown-fields': true }),
    [],
  );
  assert.deepEqual(told({ default: { kind: 'Pod' }, 'x-kubernetes-preserve-unknown-fields': true }), [
    `${at}.default.apiVersion: Required value`,
  ]);
});
