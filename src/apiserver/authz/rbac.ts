import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../api/gen/rbac-v1.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';
import type { Attributes, Decision, SettledAuthorizer } from './authorizer.ts';
import { noOpinion } from './authorizer.ts';
import { ruleAllows } from './rules.ts';

/** The roles and bindings as they stand. */
export interface RbacPolicy {
  readonly clusterRoles: Map<string, ClusterRole>;
  /** By `namespace/name`. */
  readonly roles: Map<string, Role>;
  readonly clusterRoleBindings: Map<string, ClusterRoleBinding>;
  /** By namespace, then name. */
  readonly roleBindings: Map<string, Map<string, RoleBinding>>;
  /** To be called after any change of the maps. */
  changed(): void;
}

export interface RbacAuthorizer extends SettledAuthorizer {
  readonly policy: RbacPolicy;
  /** Every rule that applies to a user in a namespace ('' for the cluster), with resolution errors. */
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; errors: string[] };
  /** The rules behind a binding's roleRef; throws when the role is not there. */
  rulesOf(roleRef: { kind?: string | undefined; name?: string | undefined }, namespace: string): readonly PolicyRule[];
}

interface Grant {
  readonly source: () => string;
  readonly rules: readonly PolicyRule[];
}

interface Grants {
  readonly grants: readonly Grant[];
  readonly errors: readonly string[];
}

/** The most decisions that are kept of one user. */
const decisionsKept = 2_000;

/** Upstream's RBAC: `pkg/registry/rbac/validation/rule.go`. Decisions are remembered until any role or binding changes. */
export function createRbacAuthorizer(): RbacAuthorizer {
  const grantsOf = new Map<string, Grants>();
  /** By user (authentication gives the same object for a while), then by what was asked. */
  let decisions = new WeakMap<UserInfo, Map<string, Decision>>();
  const policy: RbacPolicy = {
    clusterRoles: new Map(),
    roles: new Map(),
    clusterRoleBindings: new Map(),
    roleBindings: new Map(),
    changed() {
      grantsOf.clear();
      decisions = new WeakMap();
    },
  };

  const rulesOf: RbacAuthorizer['rulesOf'] = (roleRef, namespace) => {
    const name = roleRef.name ?? '';
    if (roleRef.kind === 'Role') {
      const role = policy.roles.get(`${namespace}/${name}`);
      if (!role) throw new Error(`role.rbac.authorization.k8s.io "${name}" not found`);
      return role.rules ?? [];
    }
    if (roleRef.kind !== 'ClusterRole') throw new Error(`unsupported role reference kind: "${roleRef.kind ?? ''}"`);
    const role = policy.clusterRoles.get(name);
    if (!role) throw new Error(`clusterrole.rbac.authorization.k8s.io "${name}" not found`);
    return role.rules ?? [];
  };

  const resolve = (user: UserInfo, namespace: string): Grants => {
    const key = `${namespace}\n${user.name}\n${user.groups.join('\n')}`;
    const known = grantsOf.get(key);
    if (known) return known;
    const grants: Grant[] = [];
    const errors: string[] = [];
    const take = (binding: ClusterRoleBinding | RoleBinding, inNamespace: string): void => {
      const subject = binding.subjects?.find((s) => appliesTo(user, s, inNamespace));
      if (!subject) return;
      try {
        const rules = rulesOf(binding.roleRef, inNamespace);
        grants.push({ rules, source: () => describe(binding, subject, inNamespace) });
      } catch (error) {
        errors.push((error as Error).message);
      }
    };
    for (const binding of policy.clusterRoleBindings.values()) take(binding, '');
    if (namespace !== '')
      for (const binding of policy.roleBindings.get(namespace)?.values() ?? []) take(binding, namespace);
    const result = { grants, errors };
    if (grantsOf.size >= 5000) grantsOf.clear();
    grantsOf.set(key, result);
    return result;
  };

  const decide = (user: UserInfo, attributes: Attributes): Decision => {
    const { grants, errors } = resolve(user, attributes.namespace);
    for (const grant of grants)
      for (const rule of grant.rules)
        if (ruleAllows(rule, attributes)) return { allowed: true, reason: `RBAC: allowed by ${grant.source()}` };
    if (errors.length === 0) return noOpinion;
    return { allowed: false, reason: `RBAC: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}` };
  };

  return {
    policy,
    rulesOf,
    rulesFor(user, namespace) {
      const { grants, errors } = resolve(user, namespace);
      return { rules: grants.flatMap((g) => [...g.rules]), errors: [...errors] };
    },
    authorize(user, attributes) {
      const what = attributes.isResource
        ? `${attributes.group}\n${attributes.resource}\n${attributes.subresource}\n${attributes.namespace}\n${attributes.name}`
        : attributes.path;
      const key = `${attributes.verb}\n${what}`;
      let known = decisions.get(user);
      if (!known || known.size >= decisionsKept) {
        known = new Map();
        decisions.set(user, known);
      }
      let decision = known.get(key);
      if (!decision) {
        decision = decide(user, attributes);
        known.set(key, decision);
      }
      return decision;
    },
  };
}

function appliesTo(user: UserInfo, subject: Subject, bindingNamespace: string): boolean {
  switch (subject.kind) {
    case 'User':
      return user.name === subject.name;
    case 'Group':
      return user.groups.includes(subject.name ?? '');
    case 'ServiceAccount': {
      const namespace = subject.namespace || bindingNamespace;
      return namespace !== '' && user.name === `system:serviceaccount:${namespace}:${subject.name}`;
    }
    default:
      return false;
  }
}

function describe(binding: ClusterRoleBinding | RoleBinding, subject: Subject, namespace: string): string {
  const inNamespace = subject.kind === 'ServiceAccount' ? `/${subject.namespace || namespace}` : '';
  const who = `${subject.kind} "${subject.name}${inNamespace}"`;
  const what = `${binding.roleRef.kind} "${binding.roleRef.name}" to ${who}`;
  return namespace === ''
    ? `ClusterRoleBinding "${binding.metadata?.name}" of ${what}`
    : `RoleBinding "${binding.metadata?.name}/${namespace}" of ${what}`;
}

/** Keeps `policy` as the registry has it; resolves when it is filled. */
export async function followPolicy(policy: RbacPolicy, registry: Registry): Promise<Mirror> {
  const group = 'rbac.authorization.k8s.io';
  const follow = (
    resource: string,
    put: (o: never) => void,
    remove: (at: { namespace: string; name: string }) => void,
  ) =>
    createMirror(registry.store(group, resource), {
      put(stored) {
        put(stored.object as never);
        policy.changed();
      },
      remove(stored) {
        remove(stored);
        policy.changed();
      },
    });
  const named =
    <T>(map: Map<string, T>, key: (o: T) => string) =>
    (object: T) =>
      void map.set(key(object), object);
  const nameOf = (o: { metadata?: { name?: string | undefined } | undefined }): string => o.metadata?.name ?? '';
  const mirrors = await Promise.all([
    follow('clusterroles', named(policy.clusterRoles, nameOf), ({ name }) => policy.clusterRoles.delete(name)),
    follow('clusterrolebindings', named(policy.clusterRoleBindings, nameOf), ({ name }) =>
      policy.clusterRoleBindings.delete(name),
    ),
    follow(
      'roles',
      named(policy.roles, (r) => `${r.metadata?.namespace}/${r.metadata?.name}`),
      ({ namespace, name }) => policy.roles.delete(`${namespace}/${name}`),
    ),
    follow(
      'rolebindings',
      (binding: RoleBinding) => {
        const namespace = binding.metadata?.namespace ?? '';
        let bindings = policy.roleBindings.get(namespace);
        if (!bindings) {
          bindings = new Map();
          policy.roleBindings.set(namespace, bindings);
        }
        bindings.set(nameOf(binding), binding);
      },
      ({ namespace, name }) => policy.roleBindings.get(namespace)?.delete(name),
    ),
  ]);
  return { stop: () => mirrors.forEach((mirror) => void mirror.stop()) };
}
