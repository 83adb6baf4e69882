import { parse } from 'yaml';
import { isDns1123Subdomain } from '../../api/names.ts';
import { Problems } from '../../api/validation/problems.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import { problemsText } from '../configuration/problems-text.ts';
import { misfitsOf, type Shape } from '../configuration/shape.ts';
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

const strings = { list: 'string' } as const;

const shape: Shape = {
  fields: {
    apiVersion: 'string',
    kind: 'string',
    metadata: 'any',
    omitStages: strings,
    omitManagedFields: 'boolean',
    rules: {
      list: {
        fields: {
          level: 'string',
          users: strings,
          userGroups: strings,
          verbs: strings,
          resources: { list: { fields: { group: 'string', resources: strings, resourceNames: strings } } },
          namespaces: strings,
          nonResourceURLs: strings,
          omitStages: strings,
          omitManagedFields: 'boolean',
        },
      },
    },
  },
};

/** In upstream's words (`apis/audit/validation`). */
function problemsOf({ rules, omitStages }: Policy): Problems {
  const p = new Problems();
  const checkStages = (found: readonly string[] | undefined, at: string): void => {
    for (const [i, stage] of (found ?? []).entries())
      if (!stages.some((known) => known === stage))
        p.invalid(`${at}[${i}]`, stage, `allowed stages are ${stages.join(',')}`);
  };
  checkStages(omitStages, 'omitStages');
  for (const [i, rule] of rules.entries()) {
    const at = `rules[${i}]`;
    p.oneOf(`${at}.level`, rule.level, levels);
    for (const [k, path] of (rule.nonResourceURLs ?? []).entries()) {
      if (path === '*') continue;
      const place = `${at}.nonResourceURLs[${k}]`;
      if (!path.startsWith('/')) p.invalid(place, path, "non-resource URL rules must begin with a '/' character");
      if (path.slice(0, -1).includes('*'))
        p.invalid(place, path, "non-resource URL wildcards '*' must be the final character of the rule");
    }
    for (const { group = '', resources = [], resourceNames = [] } of rule.resources ?? []) {
      const wrong = group === '' || group === '*' ? [] : isDns1123Subdomain(group);
      if (wrong.length > 0) p.invalid(`${at}.resources.group`, group, wrong.join(','));
      if (resourceNames.length > 0 && resources.length === 0)
        p.invalid(`${at}.resources.resourceNames`, resourceNames, 'using resourceNames requires at least one resource');
    }
    checkStages(rule.omitStages, `${at}.omitStages`);
    if (rule.nonResourceURLs?.length && (rule.resources?.length || rule.namespaces?.length))
      p.invalid(
        `${at}.nonResourceURLs`,
        rule.nonResourceURLs,
        'rules cannot apply to both regular resources and non-resource URLs',
      );
  }
  return p;
}

/**
 * Reads a policy; throws KnarrError with all that is wrong with it. `name` is for the message. Fields that nobody knows
 * are left out, and told to `warn`, as upstream does.
 */
export function parsePolicy(text: string, name: string, warn: (text: string) => void = () => {}): Policy {
  const refuse = (why: string): KnarrError =>
    new KnarrError({
      code: 'bad-audit-policy',
      blame: 'user',
      message: `the audit policy ${name} cannot be used: ${why}`,
    });
  let value: Partial<Policy & { apiVersion: string; kind: string }> | null;
  try {
    value = parse(text) as typeof value;
  } catch (error) {
    throw refuse(`failed decoding: ${messageOf(error)}`);
  }
  if (value?.apiVersion !== 'audit.k8s.io/v1' || value.kind !== 'Policy')
    throw refuse('it must be a Policy of audit.k8s.io/v1');
  const { unknown, wrong } = misfitsOf(value, shape);
  if (wrong[0] !== undefined) throw refuse(`failed decoding: ${wrong[0]}`);
  if (unknown.length > 0)
    warn(
      `Audit policy contains errors, falling back to lenient decoding: strict decoding error: ${unknown.join(', ')}`,
    );
  const policy = { ...value, rules: value.rules ?? [] } as Policy;
  const problems = problemsText(problemsOf(policy));
  if (problems !== undefined) throw refuse(problems);
  if (policy.rules.length === 0) throw refuse('loaded illegal policy with 0 rules');
  return policy;
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
      (group === info.group || group === '*') &&
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
