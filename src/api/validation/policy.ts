import { sameValue } from '../equal.ts';
import type { Lease } from '../gen/coordination-v1.ts';
import type { Toleration, TopologySelectorTerm } from '../gen/core-v1.ts';
import type { RuntimeClass } from '../gen/node-v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../gen/policy-v1.ts';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleRef, Subject } from '../gen/rbac-v1.ts';
import type { PriorityClass } from '../gen/scheduling-v1.ts';
import type { StorageClass } from '../gen/storage-v1.ts';
import { percentOf } from '../int-or-string.ts';
import { isDns1123Label, isDns1123Subdomain, isPathSegment, isQualifiedName } from '../names.ts';
import { validateConditions } from './conditions.ts';
import { validateLabelName, validateLabels, validateSelector } from './metadata.ts';
import type { Problems } from './problems.ts';
import { validateRequirements } from './resources.ts';
import { validateTolerations } from './scheduling.ts';
import { isUsable } from './selectors.ts';
import { validateClassParameters } from './storage.ts';
import { validateIntOrPercent } from './workloads.ts';

const rbac = 'rbac.authorization.k8s.io';

function validateRule(p: Problems, path: string, rule: PolicyRule, namespaced: boolean): void {
  if (!rule.verbs?.length) p.required(`${path}.verbs`, 'verbs must contain at least one value');
  if (rule.nonResourceURLs?.length) {
    const at = `${path}.nonResourceURLs`;
    if (namespaced) p.invalid(at, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
      p.invalid(at, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs');
    }
    return;
  }
  if (!rule.apiGroups?.length) p.required(`${path}.apiGroups`, 'resource rules must supply at least one api group');
  if (!rule.resources?.length) p.required(`${path}.resources`, 'resource rules must supply at least one resource');
}

export function validateRole(p: Problems, role: Role): void {
  for (const [i, rule] of (role.rules ?? []).entries()) validateRule(p, `rules[${i}]`, rule, true);
}

export function validateClusterRole(p: Problems, role: ClusterRole): void {
  for (const [i, rule] of (role.rules ?? []).entries()) validateRule(p, `rules[${i}]`, rule, false);
  if (!role.aggregationRule) return;
  const at = 'aggregationRule.clusterRoleSelectors';
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) p.required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
  for (const [i, selector] of selectors.entries()) {
    validateSelector(p, selector, `${at}[${i}]`);
    if (!isUsable(selector)) p.invalid(`${at}[${i}]`, null, 'invalid label selector.');
  }
}

function validateSubject(p: Problems, path: string, subject: Subject, namespaced: boolean): void {
  const group = subject.apiGroup ?? '';
  if (!subject.name) p.required(`${path}.name`);
  if (subject.kind === 'ServiceAccount') {
    if (subject.name) p.all(`${path}.name`, subject.name, isDns1123Subdomain(subject.name));
    if (group !== '') p.unsupported(`${path}.apiGroup`, group, ['']);
    if (!namespaced && !subject.namespace) p.required(`${path}.namespace`);
  } else if (subject.kind === 'User' || subject.kind === 'Group') {
    if (group !== rbac) p.unsupported(`${path}.apiGroup`, group, [rbac]);
  } else p.unsupported(`${path}.kind`, subject.kind ?? '', ['ServiceAccount', 'User', 'Group']);
}

/** With Go's names of the fields, as the message shows it. */
const goRoleRef = ({ apiGroup, kind, name }: RoleRef) => ({ APIGroup: apiGroup, Kind: kind, Name: name });

export const validateBinding =
  (namespaced: boolean) =>
  (p: Problems, binding: ClusterRoleBinding, old?: ClusterRoleBinding): void => {
    const { roleRef } = binding;
    const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
    if (roleRef.apiGroup !== rbac) p.unsupported('roleRef.apiGroup', roleRef.apiGroup ?? '', [rbac]);
    if (!kinds.includes(roleRef.kind)) p.unsupported('roleRef.kind', roleRef.kind ?? '', kinds);
    if (!roleRef.name) p.required('roleRef.name');
    else p.all('roleRef.name', roleRef.name, isPathSegment(roleRef.name));
    for (const [i, subject] of (binding.subjects ?? []).entries()) {
      validateSubject(p, `subjects[${i}]`, subject, namespaced);
    }
    if (old && !sameValue(roleRef, old.roleRef)) p.invalid('roleRef', goRoleRef(roleRef), 'cannot change roleRef');
  };

export function validateDisruptionBudget(p: Problems, { spec = {} }: PodDisruptionBudget): void {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    const shown = {
      MinAvailable: spec.minAvailable,
      Selector: spec.selector ?? null,
      MaxUnavailable: spec.maxUnavailable,
      UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
    };
    p.invalid('spec', shown, 'minAvailable and maxUnavailable cannot be both set');
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[field];
    if (value === undefined) continue;
    validateIntOrPercent(p, `spec.${field}`, value);
    if ((percentOf(value) ?? 0) > 100) p.invalid(`spec.${field}`, value, 'must not be greater than 100%');
  }
  validateSelector(p, spec.selector, 'spec.selector');
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && !policies.includes(policy)) {
    p.unsupported('spec.unhealthyPodEvictionPolicy', policy, policies);
  }
}

const highestUserPriority = 1_000_000_000;
const systemPriorities: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

function systemClassProblem(name: string, { value = 0, globalDefault = false }: PriorityClass): string | undefined {
  const known = systemPriorities[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

export function validatePriorityClass(p: Problems, object: PriorityClass, old?: PriorityClass): void {
  if (old) {
    if (object.value !== old.value) p.forbidden('value', 'may not be changed in an update.');
    p.immutable('preemptionPolicy', object.preemptionPolicy, object.preemptionPolicy === old.preemptionPolicy);
    return;
  }
  const name = object.metadata.name ?? '';
  if (name.startsWith('system-')) {
    const wrong = systemClassProblem(name, object);
    const why = "priority class names with 'system-' prefix are reserved for system use only. error:";
    if (wrong) p.forbidden('metadata.name', `${why} ${wrong}`);
  } else if ((object.value ?? 0) > highestUserPriority) {
    p.forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`);
  }
  if (object.preemptionPolicy !== undefined) {
    p.oneOf('preemptionPolicy', object.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  }
}

export function validateRuntimeClass(p: Problems, object: RuntimeClass, old?: RuntimeClass): void {
  if (!object.handler) p.required('handler');
  else p.all('handler', object.handler, isDns1123Label(object.handler));
  if (object.overhead) validateRequirements(p, 'overhead', { limits: object.overhead.podFixed });
  validateLabels(p, object.scheduling?.nodeSelector, 'scheduling.nodeSelector');
  const tolerations = object.scheduling?.tolerations ?? [];
  validateTolerations(p, 'scheduling.tolerations', tolerations);
  for (const [i, toleration] of tolerations.entries()) {
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds = null } = toleration;
    const isSame = (other: Toleration): boolean =>
      sameValue({ ...other, tolerationSeconds }, { ...toleration, tolerationSeconds });
    if (tolerations.findIndex(isSame) === i) continue;
    const shown = { Key: key, Operator: operator, Value: value, Effect: effect, TolerationSeconds: tolerationSeconds };
    p.duplicate(`scheduling.tolerations[${i}]`, shown);
  }
  if (old) p.immutable('handler', object.handler ?? '', object.handler === old.handler);
}

export function validateLease(p: Problems, { spec = {} }: Lease): void {
  const seconds = spec.leaseDurationSeconds;
  if (seconds !== undefined && seconds <= 0) p.invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0');
  const transitions = spec.leaseTransitions;
  if (transitions !== undefined && transitions < 0) {
    p.invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0');
  }
}

export function validateStorageClass(p: Problems, object: StorageClass, old?: StorageClass): void {
  if (!object.provisioner) p.required('provisioner');
  else p.all('provisioner', object.provisioner.toLowerCase(), isQualifiedName(object.provisioner.toLowerCase()));
  validateClassParameters(p, object.parameters);
  const policies = ['Delete', 'Retain'];
  const policy = object.reclaimPolicy;
  if (policy && !policies.includes(policy)) p.unsupported('reclaimPolicy', policy, policies);
  const modes = ['Immediate', 'WaitForFirstConsumer'];
  const mode = object.volumeBindingMode;
  if (mode !== undefined && !modes.includes(mode)) p.unsupported('volumeBindingMode', mode, modes);
  validateTopologies(p, object.allowedTopologies ?? []);
  if (!old) return;
  p.immutable('parameters', object.parameters, sameValue(object.parameters, old.parameters));
  const { provisioner = '' } = object;
  p.immutable('provisioner', provisioner, provisioner === old.provisioner);
  for (const field of ['reclaimPolicy', 'volumeBindingMode'] as const) {
    p.immutable(field, object[field], object[field] === old[field]);
  }
}

function validateTopologies(p: Problems, terms: readonly TopologySelectorTerm[]): void {
  const seen: object[] = terms.map(() => ({}));
  for (const [i, term] of terms.entries()) {
    const at = `allowedTopologies[${i}].matchLabelExpressions`;
    const byKey: Record<string, readonly string[]> = {};
    for (const [j, { key = '', values: given }] of (term.matchLabelExpressions ?? []).entries()) {
      // A list that always appears is null when it is empty.
      const values = given ?? [];
      if (values.length === 0) p.required(`${at}[${j}].values`);
      for (const [k, value] of values.entries()) {
        if (values.indexOf(value) < k) p.duplicate(`${at}[${j}].values[${k}]`, value);
      }
      validateLabelName(p, `${at}[${j}].key`, key);
      if (byKey[key]) p.duplicate(`${at}[${j}].key`, key);
      byKey[key] = [...new Set(values)].sort();
    }
    for (const other of seen) if (sameValue(other, byKey)) p.duplicate(at, '');
    seen.push(byKey);
  }
}

export function validateBudgetStatus(
  p: Problems,
  { status = {} }: { status?: Partial<PodDisruptionBudgetStatus> },
): void {
  validateConditions(p, 'status.conditions', status.conditions);
  for (const name of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const)
    p.nonNegative(`status.${name}`, status[name]);
}
