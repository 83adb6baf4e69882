import { parse } from 'yaml';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../server.ts';

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof levels)[number];

export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof stages)[number];

interface GroupResources {
  group?: string;
  resources?: string[];
  resourceNames?: string[];
}

interface PolicyRule {
  level: Level;
  users?: string[];
  userGroups?: string[];
  verbs?: string[];
  resources?: GroupResources[];
  namespaces?: string[];
  nonResourceURLs?: string[];
  omitStages?: Stage[];
  omitManagedFields?: boolean;
}

/** `audit.k8s.io/v1` Policy. */
export interface Policy {
  rules: PolicyRule[];
  omitStages?: Stage[];
  omitManagedFields?: boolean;
}

/** What is recorded of a request. */
export interface Recording {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

function problemsOf(policy: Policy): string[] {
  const problems: string[] = [];
  const checkStages = (found: readonly Stage[] | undefined, where: string): void => {
    for (const stage of found ?? [])
      if (!stages.includes(stage)) problems.push(`${where}: ${stage} is no stage (${stages.join(', ')})`);
  };
  if (!Array.isArray(policy.rules) || policy.rules.length === 0) return ['the policy has no rules'];
  checkStages(policy.omitStages, 'omitStages');
  for (const [i, rule] of policy.rules.entries()) {
    const where = `rules[${i}]`;
    if (!levels.includes(rule.level)) problems.push(`${where}.level: ${rule.level} is no level (${levels.join(', ')})`);
    if (rule.nonResourceURLs?.length && (rule.resources?.length || rule.namespaces?.length))
      problems.push(`${where}: nonResourceURLs cannot stand beside resources or namespaces`);
    for (const path of rule.nonResourceURLs ?? [])
      if (path !== '*' && (!path.startsWith('/') || path.slice(0, -1).includes('*')))
        problems.push(`${where}.nonResourceURLs: ${path} must begin with / and may have * at its end alone`);
    checkStages(rule.omitStages, `${where}.omitStages`);
  }
  return problems;
}

/** Reads a policy; throws KnarrError with all that is wrong with it. `name` is for the message. */
export function parsePolicy(text: string, name: string): Policy {
  const refuse = (problems: readonly string[]): never => {
    throw new KnarrError({
      code: 'bad-audit-policy',
      blame: 'user',
      message: `the audit policy ${name} cannot be used: ${problems.join('; ')}`,
    });
  };
  let value: Partial<Policy & { apiVersion: string; kind: string }> | null;
  try {
    value = parse(text) as typeof value;
  } catch (error) {
    return refuse([messageOf(error)]);
  }
  if (value?.apiVersion !== 'audit.k8s.io/v1' || value.kind !== 'Policy')
    return refuse(['it must be a Policy of audit.k8s.io/v1']);
  const problems = problemsOf(value as Policy);
  return problems.length > 0 ? refuse(problems) : (value as Policy);
}

const has = (list: readonly string[] | undefined, value: string): boolean => list?.includes(value) ?? false;

function resourceMatches(wanted: string, { resource, subresource }: RequestInfo): boolean {
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  if (wanted === '*' || wanted === combined) return true;
  if (wanted.startsWith('*/') && subresource === wanted.slice(2)) return true;
  return wanted.endsWith('/*') && resource === wanted.slice(0, -2);
}

function matchesResource(rule: PolicyRule, info: RequestInfo): boolean {
  if (!info.isResource) return false;
  if (rule.namespaces?.length && !has(rule.namespaces, info.namespace)) return false;
  if (!rule.resources?.length) return true;
  return rule.resources.some(
    ({ group = '', resources, resourceNames }) =>
      group === info.group &&
      (!resources?.length ||
        ((!resourceNames?.length || has(resourceNames, info.name)) &&
          resources.some((wanted) => resourceMatches(wanted, info)))),
  );
}

function matchesPath(rule: PolicyRule, info: RequestInfo): boolean {
  if (info.isResource) return false;
  return (rule.nonResourceURLs ?? []).some(
    (wanted) =>
      wanted === '*' || wanted === info.path || (wanted.endsWith('*') && info.path.startsWith(wanted.slice(0, -1))),
  );
}

function matches(rule: PolicyRule, info: RequestInfo, user: UserInfo): boolean {
  if (rule.users?.length && !has(rule.users, user.name)) return false;
  if (rule.userGroups?.length && !user.groups.some((group) => has(rule.userGroups, group))) return false;
  if (rule.verbs?.length && !has(rule.verbs, info.verb)) return false;
  if (rule.resources?.length || rule.namespaces?.length) return matchesResource(rule, info);
  return rule.nonResourceURLs?.length ? matchesPath(rule, info) : true;
}

/** The first rule that matches decides; nothing is recorded where none does. Upstream: `apiserver/pkg/audit/policy`. */
export function recordingOf(policy: Policy, info: RequestInfo, user: UserInfo): Recording | undefined {
  const rule = policy.rules.find((candidate) => matches(candidate, info, user));
  if (!rule || rule.level === 'None') return undefined;
  return {
    level: rule.level,
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])]),
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}
