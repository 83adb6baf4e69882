import type { PolicyRule } from '../../api/gen/rbac-v1.ts';
import type { Attributes } from './authorizer.ts';

const has = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list.includes(wanted) || list.includes('*'));

function resourceMatches(rule: PolicyRule, attributes: Attributes): boolean {
  const { resource, subresource } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  return (rule.resources ?? []).some(
    (item) => item === '*' || item === combined || (subresource !== '' && item === `*/${subresource}`),
  );
}

function urlMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));
}

/** Whether one rule of a role allows a request. Upstream: `RuleAllows` in `plugin/pkg/auth/authorizer/rbac/rbac.go`. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource) return (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, attributes.path));
  return (
    has(rule.apiGroups, attributes.group) &&
    resourceMatches(rule, attributes) &&
    ((rule.resourceNames?.length ?? 0) === 0 || (rule.resourceNames ?? []).includes(attributes.name))
  );
}

/** One rule for every single combination that `rule` grants. */
export function breakdown(rule: PolicyRule): PolicyRule[] {
  const result: PolicyRule[] = [];
  for (const verb of rule.verbs ?? []) {
    for (const apiGroup of rule.apiGroups ?? [])
      for (const resource of rule.resources ?? []) {
        const base = { verbs: [verb], apiGroups: [apiGroup], resources: [resource] };
        if ((rule.resourceNames?.length ?? 0) === 0) result.push(base);
        else for (const name of rule.resourceNames ?? []) result.push({ ...base, resourceNames: [name] });
      }
    for (const url of rule.nonResourceURLs ?? []) result.push({ verbs: [verb], nonResourceURLs: [url] });
  }
  return result;
}

function resourceCovered(owned: readonly string[] | undefined, wanted: string): boolean {
  if (owned === undefined) return false;
  if (owned.includes('*') || owned.includes(wanted)) return true;
  const slash = wanted.indexOf('/');
  return slash >= 0 && owned.includes(`*${wanted.slice(slash)}`);
}

function coversOne(owner: PolicyRule, single: PolicyRule): boolean {
  if (!has(owner.verbs, single.verbs?.[0] ?? '')) return false;
  const url = single.nonResourceURLs?.[0];
  if (url !== undefined)
    return (owner.nonResourceURLs ?? []).some(
      (own) => own === '*' || own === url || (own.endsWith('*') && url.startsWith(own.replace(/\*+$/, ''))),
    );
  const name = single.resourceNames?.[0];
  return (
    has(owner.apiGroups, single.apiGroups?.[0] ?? '') &&
    resourceCovered(owner.resources, single.resources?.[0] ?? '') &&
    ((owner.resourceNames?.length ?? 0) === 0 || (name !== undefined && (owner.resourceNames ?? []).includes(name)))
  );
}

/** What of `wanted` the holder of `owned` does not have; empty when nothing. */
export function missingRights(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakdown).filter((single) => !owned.some((owner) => coversOne(owner, single)));
}

/** Joins rules that differ in the verb alone, for messages. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames, rule.nonResourceURLs]);
    const known = joined.get(key);
    if (known) known.verbs = [...(known.verbs ?? []), ...(rule.verbs ?? [])];
    else joined.set(key, { ...rule, verbs: [...(rule.verbs ?? [])] });
  }
  return [...joined.values()];
}

const list = (values: readonly string[]): string => `[${values.map((v) => JSON.stringify(v)).join(' ')}]`;

/** A rule as escalation messages show it. */
export function describeRule(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  return `{${parts
    .filter(([, values]) => values && values.length > 0)
    .map(([name, values]) => `${name}:${list(values ?? [])}`)
    .join(', ')}}`;
}
