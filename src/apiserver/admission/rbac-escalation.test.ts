import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isApiError } from '../../api/status.ts';
import { createRbacAuthorizer } from '../authz/rbac.ts';
import type { Frozen } from '../registry/types.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { attributes } from './testing.ts';

const held = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
const more = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
const asker = { name: 'low', groups: ['system:authenticated'] };

function plugin() {
  const rbac = createRbacAuthorizer();
  rbac.policy.clusterRoles.set('held', { metadata: { name: 'held' }, rules: [held] } as never);
  rbac.policy.clusterRoleBindings.set('held', {
    metadata: { name: 'held' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'held' },
    subjects: [{ kind: 'User', name: 'low' }],
  } as never);
  rbac.policy.changed();
  return rbacEscalation(rbac, rbac);
}

async function asked(on: string, object: object, oldObject?: object): Promise<string> {
  const named = (one: object) => ({ metadata: { name: 'r', ...(one as { metadata?: object }).metadata }, ...one });
  const given = attributes({
    on,
    user: asker,
    object: named(object) as never,
    ...(oldObject ? { oldObject: named(oldObject) as Frozen } : {}),
  });
  try {
    await plugin().mutate?.(given);
    return 'may';
  } catch (error) {
    if (!isApiError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

const roles = 'rbac.authorization.k8s.io/clusterroles';
const bindings = 'rbac.authorization.k8s.io/clusterrolebindings';
const to = (kind: string, name: string) => ({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name } });

test('nobody grants what he does not hold, and touches nothing that grants it', async () => {
  assert.equal(await asked(roles, { rules: [held] }), 'may');
  assert.match(
    await asked(roles, { rules: [more] }),
    /^403 .*is attempting to grant RBAC permissions not currently held/,
  );
  assert.match(
    await asked(roles, { rules: [more], metadata: { name: 'r', labels: { a: 'b' } } }, { rules: [more] }),
    /^403 /,
  );
  assert.equal(
    await asked(roles, { rules: [more], metadata: { name: 'r', finalizers: [] } }, { rules: [more] }),
    'may',
  );
  assert.match(
    await asked(roles, { aggregationRule: {} }),
    /must have cluster-admin privileges to use the aggregationRule$/,
  );
});

test('a binding wants what its role holds; a role that is missing is told as upstream tells it', async () => {
  assert.equal(await asked(bindings, to('ClusterRole', 'held')), 'may');
  assert.equal(
    await asked(bindings, to('ClusterRole', 'nope')),
    '404 clusterrolebindings.rbac.authorization.k8s.io "nope" not found',
  );
  assert.equal(await asked(bindings, to('Role', 'held')), '400 Namespace parameter required.');
  assert.equal(await asked(bindings, to('Foo', 'held')), '500 unsupported role reference kind: "Foo"');
});
