import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserInfo } from '../server.ts';
import type { Attributes } from './authorizer.ts';
import { forbiddenError, unionAuthorizer } from './authorizer.ts';
import { createRbacAuthorizer } from './rbac.ts';
import { compactRules, describeRule, missingRights } from './rules.ts';

const ask = (verb: string, more: Partial<Attributes> = {}): Attributes => ({
  isResource: true,
  path: '',
  verb,
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: '',
  name: '',
  ...more,
});

const bob: UserInfo = { name: 'bob', groups: ['dev', 'system:authenticated'] };
const robot: UserInfo = { name: 'system:serviceaccount:ns:robot', groups: ['system:serviceaccounts'] };

function filled() {
  const rbac = createRbacAuthorizer();
  const { policy } = rbac;
  policy.clusterRoles.set('reader', {
    metadata: { name: 'reader' },
    rules: [
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/status'] },
      { verbs: ['get'], nonResourceURLs: ['/healthz*', '/version'] },
    ],
  });
  policy.roles.set('ns/editor', {
    metadata: { name: 'editor', namespace: 'ns' },
    rules: [{ verbs: ['*'], apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web'] }],
  });
  policy.clusterRoleBindings.set('b', {
    metadata: { name: 'b' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
    subjects: [{ kind: 'Group', name: 'dev' }],
  });
  policy.roleBindings.set(
    'ns',
    new Map([
      [
        'e',
        {
          metadata: { name: 'e', namespace: 'ns' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'editor' },
          subjects: [{ kind: 'ServiceAccount', name: 'robot' }],
        },
      ],
    ]),
  );
  policy.changed();
  return rbac;
}

const rows: [string, UserInfo, Attributes, boolean][] = [
  ['a group binding allows what its role lists', bob, ask('list'), true],
  ['… in any namespace', bob, ask('get', { namespace: 'x', name: 'p' }), true],
  ['… and not other verbs', bob, ask('create'), false],
  [
    'a */subresource covers the subresource of any resource',
    bob,
    ask('get', { resource: 'nodes', subresource: 'status' }),
    true,
  ],
  ['… and not the resource', bob, ask('get', { resource: 'nodes' }), false],
  ['a path pattern with a star at its end', bob, ask('get', { isResource: false, path: '/healthz/etcd' }), true],
  ['another path', bob, ask('get', { isResource: false, path: '/metrics' }), false],
  [
    "a service account without namespace is one of the binding's",
    robot,
    ask('delete', { group: 'apps', resource: 'deployments', namespace: 'ns', name: 'web' }),
    true,
  ],
  [
    '… for the named object alone',
    robot,
    ask('delete', { group: 'apps', resource: 'deployments', namespace: 'ns', name: 'x' }),
    false,
  ],
  [
    '… in its namespace alone',
    robot,
    ask('delete', { group: 'apps', resource: 'deployments', namespace: 'y', name: 'web' }),
    false,
  ],
];
const rbac = filled();
for (const [name, user, attributes, allowed] of rows)
  test(name, () => assert.equal(rbac.authorize(user, attributes).allowed, allowed));

test('decisions follow a change of the policy', () => {
  const own = filled();
  assert.equal(own.authorize(bob, ask('list')).allowed, true);
  own.policy.clusterRoleBindings.delete('b');
  own.policy.changed();
  assert.equal(own.authorize(bob, ask('list')).allowed, false);
});

test('a binding to a role that is not there is told in the refusal', () => {
  const own = filled();
  own.policy.clusterRoles.delete('reader');
  own.policy.changed();
  const { allowed, reason } = own.authorize(bob, ask('list'));
  assert.deepEqual([allowed, reason], [false, 'RBAC: clusterrole.rbac.authorization.k8s.io "reader" not found']);
});

test('the refusal is worded as upstream words it', () => {
  const what = ask('list', { namespace: 'default' });
  assert.equal(
    forbiddenError(bob, what, '').message,
    'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  assert.equal(
    forbiddenError(bob, ask('get', { isResource: false, path: '/x' }), '').status.message,
    'forbidden: User "bob" cannot get path "/x"',
  );
});

test('system:masters may everything, without being asked about', async () => {
  const union = unionAuthorizer([rbac]);
  assert.equal((await union.authorize({ name: 'root', groups: ['system:masters'] }, ask('delete'))).allowed, true);
});

test('missing rights are worked out one by one and joined for the message', () => {
  const owned = [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }];
  const wanted = [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] }];
  assert.deepEqual(compactRules(missingRights(owned, wanted)).map(describeRule), [
    '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
  ]);
  assert.deepEqual(missingRights([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], wanted), []);
});
