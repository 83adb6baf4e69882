import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../api/status.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { UserInfo } from '../../server.ts';
import { createImpersonation } from './impersonation.ts';

const asker: UserInfo = {
  name: 'system:serviceaccount:ns:agent',
  groups: [],
  extra: { 'authentication.kubernetes.io/node-name': ['n1'] },
};

/** Allows what is listed as `verb resource name`, now or a moment later, and notes what it was asked. */
function allowing(rights: readonly string[], later = false) {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    authorize(_user, { verb, resource, subresource, name, path, isResource }) {
      const right = isResource
        ? `${verb} ${[resource, subresource].filter(Boolean).join('/')} ${name}`
        : `${verb} ${path}`;
      asked.push(right);
      const decision = { allowed: rights.includes(right), reason: '' };
      return later ? Promise.resolve(decision) : decision;
    },
  };
  return { impersonation: createImpersonation(authorizer), asked };
}

const request = (...headers: [name: string, value: string][]) => ({
  method: 'GET',
  url: '/api/v1/namespaces/ns/pods?labelSelector=a',
  headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
  rawHeaders: headers.flat(),
});

const outcome = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work();
  } catch (error) {
    return error instanceof ApiError ? `${error.code} ${error.status.message}` : error;
  }
};

const cases: readonly {
  name: string;
  rights?: readonly string[];
  headers: [name: string, value: string][];
  expected: unknown;
}[] = [
  { name: 'without headers nobody else acts', headers: [['Accept', '*/*']], expected: undefined },
  {
    name: 'groups alone are nobody',
    headers: [['Impersonate-Group', 'a, b']],
    expected:
      '400 requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a, b"}, Extra:map[string][]string(nil)} without impersonating a user name',
  },
  {
    name: 'the first narrow way that applies says why not',
    headers: [['Impersonate-User', 'system:node:n2']],
    expected:
      '403 pods is forbidden: User "system:serviceaccount:ns:agent" cannot impersonate-on:arbitrary-node:list resource "pods" in API group "" in the namespace "ns"',
  },
  {
    name: 'the right to any part of a user is enough without the narrow ones',
    rights: ['impersonate users bob', 'impersonate groups a, b', 'impersonate groups c'],
    headers: [
      ['Impersonate-User', 'bob'],
      ['Impersonate-Group', 'a, b'],
      ['Impersonate-Group', 'c'],
    ],
    expected: { user: { name: 'bob', groups: ['a, b', 'c', 'system:authenticated'] }, constraint: undefined },
  },
  {
    name: 'an account may act as its own node where it has the right on any',
    rights: ['impersonate-on:associated-node:list pods ', 'impersonate:associated-node nodes *'],
    headers: [['Impersonate-User', 'system:node:n1']],
    expected: {
      user: { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] },
      constraint: 'impersonate:associated-node',
    },
  },
  {
    name: 'nobody becomes an administrator by a narrow right',
    rights: ['impersonate-on:user-info:list pods ', 'impersonate:user-info users bob'],
    headers: [
      ['Impersonate-User', 'bob'],
      ['Impersonate-Group', 'system:masters'],
    ],
    expected:
      '403 groups.authentication.k8s.io "system:masters" is forbidden: User "system:serviceaccount:ns:agent" cannot impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope: impersonating the system:masters group is not allowed',
  },
];

for (const { name, rights = [], headers, expected } of cases)
  for (const later of [false, true])
    test(`${name}${later ? ', where decisions take time' : ''}`, async () => {
      const { impersonation } = allowing(rights, later);
      assert.deepEqual(await outcome(() => impersonation.actingOf(asker, request(...headers))), expected);
    });

test('the way that was right the last time is tried first', async () => {
  const { impersonation, asked } = allowing(['impersonate users bob']);
  const bob = request(['Impersonate-User', 'bob']);
  await impersonation.actingOf(asker, bob);
  await impersonation.actingOf(asker, bob);
  assert.deepEqual(asked, ['impersonate-on:user-info:list pods ', 'impersonate users bob', 'impersonate users bob']);
  assert.match(
    impersonation.renderMetrics(),
    /apiserver_impersonation_attempts_total\{decision="allowed",mode="legacy"\} 2\n/,
  );
});
