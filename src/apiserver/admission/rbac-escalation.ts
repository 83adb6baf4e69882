import type { PolicyRule, RoleRef } from '../../api/gen/rbac-v1.ts';
import { badRequest, notFound, plainFailure } from '../../api/status.ts';
import { type Authorizer, privilegedGroup, type SettledAuthorizer, withDecisions } from '../authz/authorizer.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import { compactRules, describeRule, missingRights } from '../authz/rules.ts';
import { same } from '../registry/same.ts';
import type { AdmissionAttributes, Draft, Frozen } from '../registry/types.ts';
import { type AdmissionPlugin, refuse } from './plugin.ts';

const group = 'rbac.authorization.k8s.io';

const fullAuthority: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

/** What the garbage collector changes; the garbage that it collects need not be what it may grant. */
const collected = ({ ownerReferences: _o, finalizers: _f, managedFields: _m, ...rest }: Frozen['metadata']) => rest;

function isCollection(object: Frozen, old: Frozen | undefined): boolean {
  const bare = (one: Frozen): object => ({ ...one, metadata: collected(one.metadata) });
  return old !== undefined && same(bare(object), bare(old));
}

function missing(attributes: AdmissionAttributes, rbac: RbacAuthorizer, wanted: readonly PolicyRule[]): PolicyRule[] {
  return missingRights(rbac.rulesFor(attributes.context.user, attributes.namespace).rules, wanted);
}

function confirm(attributes: AdmissionAttributes, rbac: RbacAuthorizer, wanted: readonly PolicyRule[]): void {
  const { user } = attributes.context;
  const lacks = missing(attributes, rbac, wanted);
  if (lacks.length === 0) return;
  const groups = `[${user.groups.map((g) => JSON.stringify(g)).join(' ')}]`;
  const texts = [...new Set(compactRules(lacks).map(describeRule))].sort();
  throw refuse(
    attributes,
    `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${texts.join('\n')}`,
  );
}

/**
 * Nobody grants what he does not hold, unless he may `escalate` the role or `bind` it. Upstream does this in the storage
 * of roles and bindings (`pkg/registry/rbac/…/policybased`): after what alters them, and before they are validated.
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
    if (mayBy('escalate', attributes.resource, attributes.name)) return;
    confirm(attributes, rbac, (object.rules ?? []) as PolicyRule[]);
    const aggregates = object.aggregationRule || old?.aggregationRule;
    if (attributes.resource === 'clusterroles' && aggregates && missing(attributes, rbac, fullAuthority).length > 0)
      throw refuse(attributes, 'must have cluster-admin privileges to use the aggregationRule');
  };
  const rulesOf = (attributes: AdmissionAttributes, roleRef: RoleRef): readonly PolicyRule[] => {
    if (roleRef.kind === 'Role' && attributes.namespace === '') throw badRequest('Namespace parameter required.');
    try {
      return rbac.rulesOf(roleRef, attributes.namespace);
    } catch (error) {
      if (roleRef.kind !== 'Role' && roleRef.kind !== 'ClusterRole') throw plainFailure(500, (error as Error).message);
      // Upstream names what is written, and not what is missing.
      throw notFound({ group, resource: attributes.resource }, roleRef.name ?? '');
    }
  };
  const bindings = (attributes: AdmissionAttributes, object: Draft, _old: Frozen | undefined, mayBy: MayBy): void => {
    const roleRef = (object.roleRef ?? {}) as RoleRef;
    const resource = roleRef.kind === 'Role' ? 'roles' : 'clusterroles';
    if (mayBy('bind', resource, roleRef.name ?? '')) return;
    confirm(attributes, rbac, rulesOf(attributes, roleRef));
  };

  return {
    name: 'RBACEscalation',
    operations: ['CREATE', 'UPDATE'],
    resources: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map((r) => `${group}/${r}`),
    mutate(attributes) {
      const { object, oldObject, resource, context } = attributes;
      if (!object || context.user.groups.includes(privilegedGroup) || isCollection(object, oldObject)) return false;
      const check = resource.endsWith('bindings') ? bindings : roles;
      return withDecisions(authorizer, (settled) => {
        check(attributes, object, oldObject, mayByOf(attributes, settled));
        return false;
      });
    },
  };
}
