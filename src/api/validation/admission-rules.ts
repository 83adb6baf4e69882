import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../gen/admissionregistration-v1.ts';
import type { LabelSelector } from '../gen/meta-v1.ts';
import { isPathSegment } from '../names.ts';
import { validateSelector } from './metadata.ts';
import type { Problems } from './problems.ts';

/** What webhooks and policies are asked about. Upstream: `pkg/apis/admissionregistration/validation`. */

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];
export const matchPolicies = ['Equivalent', 'Exact'];
export const failurePolicies = ['Fail', 'Ignore'];

/** All there are, and some of them besides, is said to be one too many. */
function alone(p: Problems, path: string, list: readonly string[], what: string): void {
  if (list.length > 1 && list.includes('*')) p.invalid(path, list, `if '*' is present, must not specify other ${what}`);
}

function validateResources(p: Problems, path: string, list: readonly string[]): void {
  if (list.length === 0) p.required(path);
  /** Resources of which all subresources are meant, and subresources that are meant of all. */
  const wholes = new Set<string>();
  const everywhere = new Set<string>();
  for (const [i, entry] of list.entries()) {
    const at = `${path}[${i}]`;
    const slash = entry.indexOf('/');
    if (entry === '') p.required(at);
    if (slash < 0) continue;
    const [resource, sub] = [entry.slice(0, slash), entry.slice(slash + 1)];
    if (wholes.has(resource)) p.invalid(at, entry, `if '${resource}/*' is present, must not specify ${entry}`);
    if (everywhere.has(sub)) p.invalid(at, entry, `if '*/${sub}' is present, must not specify ${entry}`);
    if (sub === '*') wholes.add(resource);
    if (resource === '*') everywhere.add(sub);
  }
  if (list.length > 1 && list.includes('*/*')) {
    p.invalid(path, list, "if '*/*' is present, must not specify other resources");
  }
  const last = list.findLast((entry) => entry !== '' && !entry.includes('/'));
  if (list.includes('*') && last !== '*') {
    p.invalid(path, list, "if '*' is present, must not specify other resources without subresources");
  }
}

export function validateAdmissionRule(p: Problems, path: string, rule: Partial<RuleWithOperations>): void {
  const { operations: asked = [], apiGroups = [], apiVersions = [], resources = [] } = rule;
  if (asked.length === 0) p.required(`${path}.operations`);
  alone(p, `${path}.operations`, asked, 'operations');
  for (const [i, operation] of asked.entries()) p.known(`${path}.operations[${i}]`, operation, operations);
  if (apiGroups.length === 0) p.required(`${path}.apiGroups`);
  alone(p, `${path}.apiGroups`, apiGroups, 'API groups');
  if (apiVersions.length === 0) p.required(`${path}.apiVersions`);
  alone(p, `${path}.apiVersions`, apiVersions, 'API versions');
  for (const [i, version] of apiVersions.entries()) if (version === '') p.required(`${path}.apiVersions[${i}]`);
  validateResources(p, `${path}.resources`, resources);
  p.known(`${path}.scope`, rule.scope, scopes);
}

function validateNamedRule(p: Problems, path: string, rule: NamedRuleWithOperations): void {
  const names = rule.resourceNames ?? [];
  for (const [i, name] of names.entries()) {
    p.all(`${path}.resourceNames[${i}]`, name, isPathSegment(name));
    if (names.indexOf(name) < i) p.duplicate(`${path}.resourceNames[${i}]`, name);
  }
  validateAdmissionRule(p, path, rule as RuleWithOperations);
}

export function validateMatch(p: Problems, path: string, match: MatchResources): void {
  if (match.matchPolicy === undefined) p.required(`${path}.matchPolicy`);
  else p.known(`${path}.matchPolicy`, match.matchPolicy, matchPolicies);
  const selector = (field: 'namespaceSelector' | 'objectSelector', given: LabelSelector | undefined): void => {
    if (given) validateSelector(p, given, `${path}.${field}`);
    else p.required(`${path}.${field}`);
  };
  selector('namespaceSelector', match.namespaceSelector);
  selector('objectSelector', match.objectSelector);
  for (const list of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [i, rule] of (match[list] ?? []).entries()) validateNamedRule(p, `${path}.${list}[${i}]`, rule);
  }
}
