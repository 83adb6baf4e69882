import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attributes, type Authorizer, type Decision, unionAuthorizer, withDecisions } from './authorizer.ts';

const bob = { name: 'bob', groups: [] };
const ask = (name: string): Attributes => ({
  isResource: true,
  path: '',
  verb: 'get',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: '',
  name,
});

const fixed = (decision: Decision): Authorizer => ({ authorize: () => decision });
const later = (decision: Decision): Authorizer => ({ authorize: async () => decision });
const no = (reason: string, error?: string): Decision => ({ allowed: false, reason, ...(error ? { error } : {}) });

test('the first that allows decides, whether it has to be waited for or not', async () => {
  const yes = { allowed: true, reason: 'said so' };
  assert.equal(unionAuthorizer([fixed(no('a')), fixed(yes), later(no('b'))]).authorize(bob, ask('x')), yes);
  assert.equal(await unionAuthorizer([later(no('a')), later(yes), fixed(no('b'))]).authorize(bob, ask('x')), yes);
});

test('a denial ends the row', async () => {
  const denied = { allowed: false, denied: true, reason: 'never' };
  const union = unionAuthorizer([later(denied), fixed({ allowed: true, reason: '' })]);
  assert.equal(await union.authorize(bob, ask('x')), denied);
});

test('reasons and errors of those without an opinion are gathered', async () => {
  const union = unionAuthorizer([fixed(no('a', 'broken')), later(no('b')), fixed(no('', 'torn'))]);
  assert.deepEqual(await union.authorize(bob, ask('x')), {
    allowed: false,
    reason: 'a\nb',
    error: '[broken, torn]',
  });
});

test('work that needs decisions is begun anew until all are there, each asked for once', async () => {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    async authorize(_user, { name }) {
      asked.push(name);
      return { allowed: name === 'a', reason: '' };
    },
  };
  const result = await withDecisions(authorizer, (settled) =>
    ['a', 'b', 'a'].map((name) => {
      try {
        return settled.authorize(bob, ask(name)).allowed;
      } catch {
        return undefined; // whoever swallows it does not change the outcome
      }
    }),
  );
  assert.deepEqual(result, [true, false, true]);
  assert.deepEqual(asked, ['a', 'b']);
});

test('what the work throws by itself is thrown', () => {
  assert.throws(
    () =>
      withDecisions(fixed(no('')), () => {
        throw new Error('own');
      }),
    /own/,
  );
});
