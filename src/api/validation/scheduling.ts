import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../gen/core-v1.ts';
import type { LabelSelector } from '../gen/meta-v1.ts';
import { isDns1123Label, isDns1123Subdomain, isLabelValue } from '../names.ts';
import { validateLabelName, validateSelector } from './metadata.ts';
import type { Problems } from './problems.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTaintEffect(p: Problems, path: string, effect: string): void {
  if (!effects.includes(effect)) p.unsupported(path, effect, effects);
}

export function validateTolerations(p: Problems, path: string, tolerations: readonly Toleration[]): void {
  for (const [i, t] of tolerations.entries()) {
    const at = `${path}[${i}]`;
    const operator = t.operator ?? '';
    if (t.key) validateLabelName(p, `${at}.key`, t.key);
    if (!t.key && operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      p.invalid(`${at}.operator`, operator, why);
    }
    if (t.tolerationSeconds !== undefined && t.effect !== 'NoExecute') {
      p.invalid(`${at}.effect`, t.effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (operator === '' || operator === 'Equal') {
      const wrong = isLabelValue(t.value ?? '');
      if (wrong.length > 0) p.invalid(`${at}.operator`, t.value ?? '', wrong.join(';'));
    } else if (operator === 'Exists') {
      if (t.value) p.invalid(`${at}.operator`, t.value, "value must be empty when `operator` is 'Exists'");
    } else if (operator === 'Lt' || operator === 'Gt') {
      p.unsupported(`${at}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']);
    } else p.unsupported(`${at}.operator`, operator, ['Equal', 'Exists']);
    if (t.effect) validateTaintEffect(p, `${at}.effect`, t.effect);
  }
}

function validateNodeRequirement(p: Problems, path: string, r: NodeSelectorRequirement, lenient: boolean): void {
  const values = r.values ?? [];
  switch (r.operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) p.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        p.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        p.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      p.invalid(`${path}.operator`, r.operator ?? '', 'not a valid selector operator');
  }
  validateLabelName(p, `${path}.key`, r.key ?? '');
  if (!lenient) for (const [i, v] of values.entries()) p.all(`${path}.values[${i}]`, v, isLabelValue(v));
}

function validateNodeTerm(p: Problems, path: string, term: NodeSelectorTerm, lenient: boolean): void {
  for (const [i, r] of (term.matchExpressions ?? []).entries()) {
    validateNodeRequirement(p, `${path}.matchExpressions[${i}]`, r, lenient);
  }
  for (const [i, r] of (term.matchFields ?? []).entries()) {
    const at = `${path}.matchFields[${i}]`;
    if (r.operator !== 'In' && r.operator !== 'NotIn') {
      p.invalid(`${at}.operator`, r.operator ?? '', 'not a valid selector operator');
    } else if (r.values?.length !== 1) {
      const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
      p.required(`${at}.values`, why);
    }
    if (r.key !== 'metadata.name') p.invalid(`${at}.key`, r.key ?? '', 'not a valid field selector key');
    else for (const [j, v] of (r.values ?? []).entries()) p.all(`${at}.values[${j}]`, v, isDns1123Subdomain(v));
  }
}

export function validateNodeSelector(p: Problems, path: string, selector: NodeSelector, lenient = false): void {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) p.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term');
  for (const [i, term] of terms.entries()) validateNodeTerm(p, `${path}.nodeSelectorTerms[${i}]`, term, lenient);
}

function validateMatchKeys(
  p: Problems,
  path: string,
  match: readonly string[] = [],
  mismatch: readonly string[] = [],
  selector: LabelSelector | undefined = undefined,
): void {
  const keys = (field: string, list: readonly string[]): void => {
    if (list.length > 0 && !selector) {
      p.forbidden(`${path}.${field}`, 'must not be specified when labelSelector is not set');
    } else for (const [i, key] of list.entries()) validateLabelName(p, `${path}.${field}[${i}]`, key);
  };
  keys('matchLabelKeys', match);
  keys('mismatchLabelKeys', mismatch);
  // What was made of the keys is among the expressions already: another of the same key came from outside.
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    if (match.includes(key) && seen.has(key)) {
      p.invalid(`${path}[${match.lastIndexOf(key)}]`, key, 'exists in both matchLabelKeys and labelSelector');
    }
    seen.add(key);
  }
  for (const [i, key] of match.entries()) {
    if (mismatch.includes(key)) {
      p.invalid(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys');
    }
  }
}

function validatePodTerm(p: Problems, path: string, term: PodAffinityTerm): void {
  validateSelector(p, term.labelSelector, `${path}.labelSelector`);
  validateSelector(p, term.namespaceSelector, `${path}.namespaceSelector`);
  for (const name of term.namespaces ?? []) p.all(`${path}.namespace`, name, isDns1123Label(name));
  validateMatchKeys(p, path, term.matchLabelKeys, term.mismatchLabelKeys, term.labelSelector);
  if (!term.topologyKey) p.required(`${path}.topologyKey`, 'can not be empty');
  validateLabelName(p, `${path}.topologyKey`, term.topologyKey ?? '');
}

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

function validateWeight(p: Problems, path: string, weight: number): void {
  if (weight <= 0 || weight > 100) p.invalid(`${path}.weight`, weight, 'must be in the range 1-100');
}

export function validateAffinity(p: Problems, path: string, affinity: Affinity): void {
  const node = affinity.nodeAffinity;
  const nodeNeeds = node?.[required];
  if (nodeNeeds) validateNodeSelector(p, `${path}.nodeAffinity.${required}`, nodeNeeds);
  for (const [i, term] of (node?.[preferred] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${preferred}[${i}]`;
    validateWeight(p, at, term.weight ?? 0);
    validateNodeTerm(p, `${at}.preference`, term.preference, true);
  }
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    for (const [i, term] of (affinity[name]?.[required] ?? []).entries()) {
      validatePodTerm(p, `${path}.${name}.${required}[${i}]`, term);
    }
    for (const [i, term] of (affinity[name]?.[preferred] ?? []).entries()) {
      const at = `${path}.${name}.${preferred}[${i}]`;
      validateWeight(p, at, term.weight ?? 0);
      validatePodTerm(p, `${at}.podAffinityTerm`, term.podAffinityTerm);
    }
  }
}

export function validateSpread(p: Problems, path: string, constraints: readonly TopologySpreadConstraint[]): void {
  const actions = ['DoNotSchedule', 'ScheduleAnyway'];
  const policies = ['Honor', 'Ignore'];
  for (const [i, c] of constraints.entries()) {
    const at = `${path}[${i}]`;
    p.positive(`${at}.maxSkew`, c.maxSkew ?? 0);
    if (!c.topologyKey) p.required(`${at}.topologyKey`, 'can not be empty');
    if (!actions.includes(c.whenUnsatisfiable)) {
      p.unsupported(`${at}.whenUnsatisfiable`, c.whenUnsatisfiable ?? '', actions);
    }
    const same = (o: TopologySpreadConstraint): boolean =>
      o.topologyKey === c.topologyKey && o.whenUnsatisfiable === c.whenUnsatisfiable;
    if (constraints.slice(i + 1).some(same)) {
      p.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${c.topologyKey}, ${c.whenUnsatisfiable}}`);
    }
    if (c.minDomains !== undefined) {
      p.positive(`${at}.minDomains`, c.minDomains);
      if (c.whenUnsatisfiable !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${c.whenUnsatisfiable}`;
        p.invalid(`${at}.minDomains`, c.minDomains, why);
      }
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const value = c[field];
      if (value !== undefined && !policies.includes(value)) p.unsupported(`${at}.${field}`, value, policies);
    }
    validateMatchKeys(p, at, c.matchLabelKeys, [], c.labelSelector);
    validateSelector(p, c.labelSelector, `${at}.labelSelector`);
  }
}
