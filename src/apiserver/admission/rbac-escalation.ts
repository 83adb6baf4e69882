import type { PolicyRule, RoleRef } from '../../api/gen/rbac-v1.ts';
import { type Authorizer, privilegedGroup, type SettledAuthorizer, withDecisions } from '../authz/authorizer.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import { compactRules, describeRule, missingRights } from '../authz/rules.ts';
import type { AdmissionAttributes, Draft, Frozen } from '../registry/types.ts';
import { type AdmissionPlugin, refuse } from './plugin.ts';

const group = 'rbac.authorization.k8s.io';

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function confirm(attributes: AdmissionAttributes, rbac: RbacAuthorizer, wanted: readonly PolicyRule[]): void {
  const { user } = attributes.context;
  const { rules } = rbac.rulesFor(user, attributes.namespace);
  const missing = missingRights(rules, wanted);
  if (missing.length === 0) return;
  const groups = `[${user.groups.map((g) => JSON.stringify(g)).join(' ')}]`;
  const texts = [...new Set(compactRules(missing).map(describeRule))].sort();
  throw refuse(
    attributes,
    `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${texts.join('\n')}`,
  );
}

/**
 * Nobody grants what he does not hold, unless he may `escalate` the role or `bind` it. Upstream does this in the storage
 * of roles and bindings (`pkg/registry/rbac/…/policybased`).
 */
export function rbacEscalation(authorizer: Authorizer, rbac: RbacAuthorizer): AdmissionPlugin {
  type MayBy = (verb: string, resource: string, name: string) => boolean;
  const mayByOf =
    (attributes: AdmissionAttributes, settled: SettledAuthorizer): MayBy =>
    (verb, resource, name) =>
      settled.authorize(attributes.context.user, {
        isResource: true,
        path: '',
        verb,
        group,
        version: '*',
        resource,
        subresource: '',
        namespace: attributes.namespace,
        name,
      }).allowed;

  const roles = (attributes: AdmissionAttributes, object: Draft, old: Frozen | undefined, mayBy: MayBy): void => {
    if (old && same(old.rules, object.rules) && same(old.aggregationRule, object.aggregationRule)) return;
    if (mayBy('escalate', attributes.resource, attributes.name)) return;
    confirm(attributes, rbac, (object.rules ?? []) as PolicyRule[]);
    if (object.aggregationRule && attributes.resource === 'clusterroles')
      confirm(attributes, rbac, [
        { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
        { nonResourceURLs: ['*'], verbs: ['*'] },
      ]);
  };
  const bindings = (attributes: AdmissionAttributes, object: Draft, old: Frozen | undefined, mayBy: MayBy): void => {
    const roleRef = object.roleRef as RoleRef;
    if (old && same(old.roleRef, roleRef) && same(old.subjects, object.subjects)) return;
    const resource = roleRef.kind === 'Role' ? 'roles' : 'clusterroles';
    if (mayBy('bind', resource, roleRef.name ?? '')) return;
    let rules: readonly PolicyRule[];
    try {
      rules = rbac.rulesOf(roleRef, attributes.namespace);
    } catch (error) {
      throw refuse(attributes, (error as Error).message);
    }
    confirm(attributes, rbac, rules);
  };

  return {
    name: 'RBACEscalation',
    operations: ['CREATE', 'UPDATE'],
    resources: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map((r) => `${group}/${r}`),
    validate(attributes) {
      const { object, oldObject, resource, context } = attributes;
      if (!object || context.user.groups.includes(privilegedGroup)) return undefined;
      const check = resource.endsWith('bindings') ? bindings : roles;
      return withDecisions(authorizer, (settled) => check(attributes, object, oldObject, mayByOf(attributes, settled)));
    },
  };
}
