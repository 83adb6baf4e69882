import type { ResourceRequirements } from '../gen/core-v1.ts';
import { isDns1123Label, isQualifiedName } from '../names.ts';
import { compareQuantities, quantityMilliValue, zeroQuantity } from '../quantity.ts';
import type { Problems } from './problems.ts';

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage']);
const standardResources = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'storage',
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'services.nodeports',
  'services.loadbalancers',
]);

export const isHugePage = (name: string): boolean => name.startsWith('hugepages-');
export const isNativeResource = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
export const isOvercommitAllowed = (name: string): boolean => isNativeResource(name) && !isHugePage(name);

export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith('requests.')) return false;
  return isQualifiedName(`requests.${name}`).length === 0;
}

const isIntegerResource = (name: string): boolean =>
  isExtendedResource(name) ||
  ['pods', 'services', 'replicationcontrollers', 'resourcequotas', 'secrets', 'configmaps'].includes(name) ||
  ['persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'].includes(name);

export const isStandardResource = (name: string): boolean =>
  standardResources.has(name) || isHugePage(name) || name.startsWith('requests.hugepages-');

/** Whether the name passes. */
export function validateResourceName(p: Problems, path: string, name: string): boolean {
  const wrong = isQualifiedName(name);
  p.all(path, name, wrong);
  if (wrong.length > 0) return false;
  if (name.includes('/') || isStandardResource(name)) return true;
  p.invalid(path, name, 'must be a standard resource type or fully qualified');
  return false;
}

export function validateContainerResourceName(p: Problems, path: string, name: string): void {
  validateResourceName(p, path, name);
  if (!name.includes('/')) {
    if (!containerResources.has(name) && !isHugePage(name)) {
      p.invalid(path, name, 'must be a standard resource for containers');
    }
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    p.invalid(path, name, "doesn't follow extended resource name standard");
  }
}

export function validateNonNegativeQuantity(p: Problems, path: string, value: string): void {
  if (compareQuantities(value, zeroQuantity) < 0) p.invalid(path, value, 'must be greater than or equal to 0');
}

export function validateResourceQuantity(p: Problems, path: string, name: string, value: string): void {
  validateNonNegativeQuantity(p, path, value);
  if (isIntegerResource(name) && quantityMilliValue(value) % 1000 !== 0) p.invalid(path, value, 'must be an integer');
}

export function validateRequirements(
  p: Problems,
  path: string,
  requirements: ResourceRequirements | undefined,
  claims: ReadonlySet<string> = new Set(),
  validateName = validateContainerResourceName,
): void {
  const { limits = {}, requests = {} } = requirements ?? {};
  const names = new Set([...Object.keys(limits), ...Object.keys(requests)]);
  for (const [name, value] of Object.entries(limits)) {
    const at = `${path}.limits[${name}]`;
    validateName(p, at, name);
    validateResourceQuantity(p, at, name, value);
  }
  for (const [name, value] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    validateName(p, at, name);
    validateResourceQuantity(p, at, name, value);
    const limit = limits[name];
    if (limit === undefined) {
      if (!isOvercommitAllowed(name))
        p.required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
      continue;
    }
    const order = compareQuantities(value, limit);
    if (order !== 0 && !isOvercommitAllowed(name)) {
      p.invalid(`${path}.requests`, value, `must be equal to ${name} limit of ${limit}`);
    } else if (order > 0) {
      p.invalid(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`);
    }
  }
  if ([...names].some(isHugePage) && !names.has('cpu') && !names.has('memory')) {
    p.forbidden(path, 'HugePages require cpu or memory');
  }
  validateClaims(p, `${path}.claims`, requirements?.claims ?? [], claims);
}

function validateClaims(
  p: Problems,
  path: string,
  list: readonly { name: string; request?: string | undefined }[],
  known: ReadonlySet<string>,
): void {
  const seen = new Set<string>();
  for (const [i, { name, request }] of list.entries()) {
    const at = `${path}[${i}]`;
    if (!name) {
      p.required(at);
      continue;
    }
    // Who names no request has them all.
    if (seen.has(name)) p.duplicate(at, name);
    else {
      if (request) p.all(`${at}.request`, request, isDns1123Label(request));
      const key = request ? `${name}/${request}` : name;
      if (seen.has(key)) p.duplicate(at, key);
      else if (!request) for (const one of seen) if (one.startsWith(`${name}/`)) p.duplicate(at, name);
      seen.add(key);
    }
    if (!known.has(name)) {
      const what = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
      p.notFound(at, name, `must be one of the names in pod.spec.resourceClaims${what}`);
    }
  }
}
