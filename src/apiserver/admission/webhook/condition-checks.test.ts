import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MutatingWebhook } from '../../../api/gen/admissionregistration-v1.ts';
import { matchConditionProblems } from './condition-checks.ts';

const hook = (...matchConditions: { name: string; expression: string }[]): MutatingWebhook =>
  ({ name: 'a.b.c', matchConditions }) as MutatingWebhook;

const texts = (hooks: MutatingWebhook[], kept?: Set<string>): string[] =>
  matchConditionProblems(hooks, kept).causes.map(({ field, message }) => `${field}: ${message?.split('\n')[0]}`);

test('conditions that compile to a truth value are taken', () => {
  const expressions = [
    "object.metadata.namespace == 'a'",
    "!has(object.x) || authorizer.group('').resource('pods').check('get').allowed()",
  ];
  assert.deepStrictEqual(texts([hook(...expressions.map((expression, i) => ({ name: `n${i}`, expression })))]), []);
});

test('what does not compile, has no name or has one twice is told', () => {
  const at = 'webhooks[0].matchConditions';
  const found = texts([
    hook({ name: 'a', expression: '... [] bad' }, { name: 'a', expression: 'true' }, { name: '', expression: ' ' }),
  ]);
  assert.match(found[0] ?? '', /^webhooks\[0\].matchConditions\[0\].expression: Invalid value: .*compilation failed/);
  assert.deepStrictEqual(found.slice(1), [
    `${at}[1].name: Duplicate value: "a"`,
    `${at}[2].expression: Required value`,
    `${at}[2].name: Required value`,
  ]);
});

test('an expression that was stored before stays allowed', () => {
  assert.deepStrictEqual(texts([hook({ name: 'a', expression: '1 +' })], new Set(['1 +'])), []);
});
