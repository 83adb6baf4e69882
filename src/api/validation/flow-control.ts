import { sameValue } from '../equal.ts';
import type {
  FlowSchema,
  FlowSchemaSpec,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
  ResourcePolicyRule,
  Subject,
} from '../gen/flowcontrol-v1.ts';
import { inRange, isDns1123Label, isDns1123Subdomain } from '../names.ts';
import type { Problems } from './problems.ts';

/** Upstream: `pkg/apis/flowcontrol/validation` and `internalbootstrap`. */

const everything = (group: string): PolicyRulesWithSubjects => ({
  subjects: [{ kind: 'Group', group: { name: group } }],
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
});

/** What these are called is what they are. */
const fixedSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    priorityLevelConfiguration: { name: 'exempt' },
    matchingPrecedence: 1,
    rules: [everything('system:masters')],
  },
  'catch-all': {
    priorityLevelConfiguration: { name: 'catch-all' },
    matchingPrecedence: 10000,
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        ...everything(''),
        subjects: ['system:unauthenticated', 'system:authenticated'].map((name) => ({
          kind: 'Group',
          group: { name },
        })),
      },
    ],
  },
};

const fixedLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: 'Exempt' },
  'catch-all': {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
  },
};

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

/** All, or some; not both. Whether it is some. */
function validateAllOrSome(p: Problems, path: string, list: readonly string[], noun: string): boolean {
  if (!list.includes('*')) return true;
  if (list.length > 1) p.invalid(path, list, `if '*' is present, must not specify other ${noun}`);
  return false;
}

function validateVerbs(p: Problems, path: string, given: readonly string[] | undefined): void {
  const list = given ?? [];
  if (list.length === 0) p.required(path, 'verbs must contain at least one value');
  else if (validateAllOrSome(p, path, list, 'verbs') && !list.every((verb) => verbs.includes(verb))) {
    p.unsupported(path, list, verbs);
  }
}

function validateResources(p: Problems, path: string, rule: ResourcePolicyRule): void {
  validateVerbs(p, `${path}.verbs`, rule.verbs);
  const some = (field: 'apiGroups' | 'resources', one: string): void => {
    const list = rule[field] ?? [];
    if (list.length === 0) p.required(`${path}.${field}`, `resource rules must supply at least one ${one}`);
    else validateAllOrSome(p, `${path}.${field}`, list, field === 'resources' ? 'resources' : 'api groups');
  };
  some('apiGroups', 'api group');
  some('resources', 'resource');
  const at = `${path}.namespaces`;
  const namespaces = rule.namespaces ?? [];
  if (namespaces.length === 0 && !rule.clusterScope) {
    p.required(at, 'resource rules that are not cluster scoped must supply at least one namespace');
  } else if (validateAllOrSome(p, at, namespaces, 'namespaces')) {
    for (const [i, name] of namespaces.entries()) {
      const intro = "each member of this list must be '*' or a DNS-1123 label; ";
      p.all(
        `${at}[${i}]`,
        name,
        isDns1123Label(name).map((why) => intro + why),
      );
    }
  }
}

function pathProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (path === '/') return undefined;
  if (!path.startsWith('/')) return 'must start with slash';
  if (path.includes(' ')) return 'must not contain white-space';
  if (path.includes('//')) return 'must not contain double slash';
  const stars = path.split('*').length - 1;
  return stars > 1 || (stars === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

function validateOthers(p: Problems, path: string, rule: NonResourcePolicyRule): void {
  validateVerbs(p, `${path}.verbs`, rule.verbs);
  const at = `${path}.nonResourceURLs`;
  const list = rule.nonResourceURLs ?? [];
  if (list.length === 0) p.required(at, 'nonResourceURLs must contain at least one value');
  else if (validateAllOrSome(p, at, list, 'non-resource URLs')) {
    for (const [i, own] of list.entries()) {
      const why = pathProblem(own);
      if (why) p.invalid(`${at}[${i}]`, own, why);
    }
  }
}

const subjects = { serviceAccount: 'ServiceAccount', user: 'User', group: 'Group' } as const;

function validateSubject(p: Problems, path: string, subject: Subject): void {
  const kinds = Object.values(subjects).sort();
  if (!kinds.includes(subject.kind as (typeof kinds)[number])) {
    p.unsupported(`${path}.kind`, subject.kind ?? '', kinds);
    return;
  }
  for (const field of ['serviceAccount', 'user', 'group'] as const) {
    const kind = subjects[field];
    const given = subject[field];
    const at = `${path}.${field}`;
    if (subject.kind !== kind) {
      if (given) p.forbidden(at, `${field} is forbidden when subject kind is not '${kind}'`);
    } else if (!given) p.required(at, `${field} is required when subject kind is '${kind}'`);
    else if (!given.name) p.required(`${at}.name`);
    else if (field === 'serviceAccount' && given.name !== '*') {
      p.all(`${at}.name`, given.name, isDns1123Subdomain(given.name));
    }
  }
  const account = subject.kind === 'ServiceAccount' ? subject.serviceAccount : undefined;
  const at = `${path}.serviceAccount.namespace`;
  if (account?.namespace) p.all(at, account.namespace, isDns1123Label(account.namespace));
  else if (account) p.required(at, 'must specify namespace for service account');
}

function validateRule(p: Problems, path: string, rule: PolicyRulesWithSubjects): void {
  const { resourceRules = [], nonResourceRules = [] } = rule;
  const list = rule.subjects ?? [];
  if (list.length === 0) p.required(`${path}.subjects`, 'subjects must contain at least one value');
  for (const [i, subject] of list.entries()) validateSubject(p, `${path}.subjects[${i}]`, subject);
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    p.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty');
  }
  for (const [i, one] of resourceRules.entries()) validateResources(p, `${path}.resourceRules[${i}]`, one);
  for (const [i, one] of nonResourceRules.entries()) validateOthers(p, `${path}.nonResourceRules[${i}]`, one);
}

export function validateFlowSchema(p: Problems, { metadata, spec, status }: FlowSchema): void {
  const precedence = spec?.matchingPrecedence ?? 0;
  const at = 'spec.matchingPrecedence';
  if (precedence <= 0) p.invalid(at, precedence, 'must be a positive value');
  if (precedence > 10000) p.invalid(at, precedence, 'must not be greater than 10000');
  const name = metadata.name ?? '';
  if (precedence === 1 && name !== 'exempt') {
    p.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  }
  const methods = ['ByNamespace', 'ByUser'];
  const method = spec?.distinguisherMethod;
  if (method && !methods.includes(method.type)) {
    p.unsupported('spec.distinguisherMethod.type', { Type: method.type ?? '' }, methods);
  }
  const level = spec?.priorityLevelConfiguration?.name;
  if (!level) p.required('spec.priorityLevelConfiguration.name', 'must reference a priority level');
  else p.all('spec.priorityLevelConfiguration.name', level, isDns1123Subdomain(level));
  for (const [i, rule] of (spec?.rules ?? []).entries()) validateRule(p, `spec.rules[${i}]`, rule);
  const fixed = Object.hasOwn(fixedSchemas, name) ? fixedSchemas[name] : undefined;
  if (fixed && !sameValue(spec, fixed)) p.invalid('spec', spec, `spec of '${name}' must equal the fixed value`);
  validateConditionTypes(p, { status });
}

/** Each condition has a type, and no other has the same. */
export function validateConditionTypes(
  p: Problems,
  { status }: { status?: { conditions?: readonly { type?: string | undefined }[] | undefined } | undefined },
): void {
  const seen = new Set<string>();
  for (const [i, { type = '' }] of (status?.conditions ?? []).entries()) {
    const at = `status.conditions[${i}].type`;
    if (seen.has(type)) p.duplicate(at, type);
    seen.add(type);
    if (type === '') p.required(at);
  }
}

const mostQueues = 10_000_000;
const hashBits = 60;

function validateQueues(p: Problems, path: string, queuing: QueuingConfiguration): void {
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  if (queueLengthLimit <= 0) p.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive');
  if (queues <= 0) p.invalid(`${path}.queues`, queues, 'must be positive');
  else if (queues > mostQueues) p.invalid(`${path}.queues`, queues, `must not be greater than ${mostQueues}`);
  const at = `${path}.handSize`;
  if (handSize <= 0) p.invalid(at, handSize, 'must be positive');
  else if (handSize > queues) p.invalid(at, handSize, `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > hashBits) {
    const sizes = `deckSize ${queues} and handSize ${handSize}`;
    p.invalid(at, handSize, `required entropy bits of ${sizes} should not be greater than ${hashBits}`);
  }
}

function validateLimited(p: Problems, path: string, limited: LimitedPriorityLevelConfiguration): void {
  const { nominalConcurrencyShares: shares = 0, borrowingLimitPercent: borrow = 0 } = limited;
  if (shares < 0) p.invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer');
  const response: Partial<LimitResponse> = limited.limitResponse ?? {};
  const at = `${path}.limitResponse`;
  if (response.type === 'Reject') {
    if (response.queuing) p.forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited');
  } else if (response.type !== 'Queue') p.oneOf(`${at}.type`, response.type, ['Queue', 'Reject']);
  else if (response.queuing) validateQueues(p, `${at}.queuing`, response.queuing);
  else p.required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited');
  validateLending(p, path, limited.lendablePercent);
  if (borrow < 0) p.invalid(`${path}.borrowingLimitPercent`, borrow, 'if specified, must be a non-negative integer');
}

function validateLending(p: Problems, path: string, lend: number | undefined): void {
  if (lend !== undefined && (lend < 0 || lend > 100)) p.invalid(`${path}.lendablePercent`, lend, inRange(0, 100));
}

const forbiddenNote = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';

export function validatePriorityLevel(p: Problems, { metadata, spec, status }: PriorityLevelConfiguration): void {
  if (metadata.annotations?.[forbiddenNote] !== undefined) {
    p.forbidden('metadata.annotations', `annotation '${forbiddenNote}' is forbidden`);
  }
  const { type = '', limited, exempt } = spec ?? {};
  const name = metadata.name ?? '';
  if ((name === 'exempt') !== (type === 'Exempt')) {
    p.invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'");
  }
  if (type === 'Exempt') {
    if (limited) p.forbidden('spec.limited', 'must be nil if the type is not Limited');
    const shares = exempt?.nominalConcurrencyShares ?? 0;
    if (shares < 0) p.invalid('spec.exempt.nominalConcurrencyShares', shares, 'must be a non-negative integer');
    validateLending(p, 'spec.exempt', exempt?.lendablePercent);
  } else if (type === 'Limited') {
    if (exempt) p.forbidden('spec.exempt', 'must be nil if the type is Limited');
    if (limited) validateLimited(p, 'spec.limited', limited);
    else p.required('spec.limited', 'must not be empty when type is Limited');
  } else p.oneOf('spec.type', type, ['Exempt', 'Limited']);
  const fixed = Object.hasOwn(fixedLevels, name) ? fixedLevels[name] : undefined;
  const { exempt: _, ...own } = spec ?? {};
  if (fixed && !sameValue(name === 'exempt' ? own : spec, fixed)) {
    const but = name === 'exempt' ? " except the 'spec.exempt' field" : '';
    p.invalid('spec', spec, `spec of '${name}'${but} must equal the fixed value`);
  }
  validateConditionTypes(p, { status });
}
