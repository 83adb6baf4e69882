import { sameValue } from '../equal.ts';
import type { ResourceQuota, ResourceQuotaSpec } from '../gen/core-v1.ts';
import type { Problems } from './problems.ts';
import { isStandardResource, validateResourceName, validateResourceQuantity } from './resources.ts';

/** What limits a namespace. Upstream: `pkg/apis/core/validation`. */

const exclusive = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

/** Scopes that are there or not, without values. */
const plain = [...exclusive.flat(), 'CrossNamespacePodAffinity'];
const scopes = [...plain, 'PriorityClass', 'VolumeAttributesClass'];

const isOfPods = (name: string): boolean => /^(pods|((requests|limits)\.)?(cpu|memory))$/.test(name);

/** Whether a scope says anything of what a quota limits. */
function applies(scope: string, name: string): boolean {
  if (scope === 'VolumeAttributesClass') return name === 'persistentvolumeclaims' || name === 'requests.storage';
  if (!scopes.includes(scope)) return true;
  return scope === 'BestEffort' ? name === 'pods' : isOfPods(name);
}

function validateConflicts(p: Problems, given: readonly string[], shown: unknown): void {
  for (const pair of exclusive) {
    if (pair.every((scope) => given.includes(scope))) p.invalid('spec.scopes', shown, 'conflicting scopes');
  }
}

/** Said for each limit that a scope has nothing to do with. */
function validateScope(p: Problems, path: string, scope: string, spec: ResourceQuotaSpec, shown: unknown): void {
  for (const name of Object.keys(spec.hard ?? {}).sort()) {
    if (isQuotaName(name) && !applies(scope, name)) {
      p.invalid(path, shown, 'unsupported scope applied to resource');
    }
  }
}

function validateSelector(p: Problems, spec: ResourceQuotaSpec): void {
  const at = 'spec.scopeSelector.matchExpressions';
  const requirements = spec.scopeSelector?.matchExpressions ?? [];
  for (const { scopeName = '', operator = '', values = [] } of requirements) {
    if (!scopes.includes(scopeName)) p.invalid(`${at}.scopeName`, scopeName, 'unsupported scope');
    validateScope(p, at, scopeName, spec, spec.scopeSelector);
    if (plain.includes(scopeName) && operator !== 'Exists') {
      const names = plain.map((scope) => `ResourceQuotaScope${scope}`);
      const [terminating, not, best, worst, cross] = [names[2], names[3], names[0], names[1], names[4]];
      const listed = `${[terminating, not, best, worst].join(', ')} or ${cross}`;
      p.invalid(`${at}.operator`, operator, `must be 'Exists' when scope is any of ${listed}`);
    }
    if (operator === 'In' || operator === 'NotIn') {
      const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) p.required(`${at}.values`, why);
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) p.invalid(`${at}.values`, values, why);
    } else p.invalid(`${at}.operator`, operator, 'not a valid selector operator');
  }
  validateConflicts(
    p,
    requirements.map(({ scopeName }) => scopeName),
    spec.scopes ?? null,
  );
}

export function validateResourceQuota(p: Problems, { spec = {} }: ResourceQuota, old?: ResourceQuota): void {
  validateAmounts(p, 'spec.hard', spec.hard);
  const given = spec.scopes ?? [];
  for (const scope of given) {
    if (!scopes.includes(scope)) p.invalid('spec.scopes', given, 'unsupported scope');
    validateScope(p, 'spec.scopes', scope, spec, given);
  }
  validateConflicts(p, given, given);
  if (spec.scopeSelector) validateSelector(p, spec);
  if (old && !sameValue(given, old.spec?.scopes ?? [])) p.invalid('spec.scopes', given, 'field is immutable');
}

export function validateQuotaStatus(p: Problems, { status }: ResourceQuota): void {
  validateAmounts(p, 'status.hard', status?.hard);
  validateAmounts(p, 'status.used', status?.used);
}

function validateAmounts(p: Problems, path: string, amounts: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(amounts ?? {})) {
    const at = `${path}[${name}]`;
    if (!name.startsWith('count/')) validateQuotaName(p, at, name);
    validateResourceQuantity(p, at, name, value);
  }
}

const isQuotaName = (name: string): boolean => !name.includes('/') && name !== 'storage' && isStandardResource(name);

function validateQuotaName(p: Problems, path: string, name: string): void {
  validateResourceName(p, path, name);
  if (!name.includes('/') && !isQuotaName(name)) p.invalid(path, name, 'must be a standard resource for quota');
}
