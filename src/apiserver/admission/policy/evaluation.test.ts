import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettledAuthorizer } from '../../authz/authorizer.ts';
import { newBudget, outOfBudget } from '../../cel/cost.ts';
import { attributes } from '../testing.ts';
import { createEvaluation } from './evaluation.ts';
import { policyEnvironment } from './policy-environment.ts';

test('an expression with a budget of its own leaves the others theirs', () => {
  const evaluation = createEvaluation({
    attributes: attributes({ on: '/configmaps', object: { metadata: { name: 'a' } } as never }),
    namespace: undefined,
    params: null,
    paramKind: undefined,
    authorizer: {} as SettledAuthorizer,
    variables: [],
    environment: policyEnvironment({}, false),
  });
  const expression = 'object.metadata.name + "b"';
  assert.throws(() => evaluation.evaluate(expression, newBudget(1)), { message: outOfBudget });
  assert.equal(evaluation.evaluate(expression), 'ab');
});
