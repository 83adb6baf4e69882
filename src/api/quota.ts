import type { PersistentVolumeClaim, Pod, PodSpec, ResourceQuota, ResourceQuotaSpec, Service } from './gen/core-v1.ts';
import { type Amounts, amountsOf, podResources } from './pod-resources.ts';
import { parseQuantity, type Quantity } from './quantity.ts';

/** What counts against a ResourceQuota, and how much. Upstream: `pkg/quota/v1/evaluator/core`. */

const one = parseQuantity('1');
const count = (n: number): Quantity => parseQuantity(String(n));

/** How a quota names the number of objects of a resource. */
export const objectCountName = (group: string, resource: string): string =>
  group === '' ? `count/${resource}` : `count/${resource}.${group}`;

/** Resources of the core group whose number has a name of its own too. */
const plainCounts = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isExtended = (name: string): boolean => name.includes('/') && !/^([^/]*\.)?kubernetes\.io\//.test(name);

/** A pod that has ended holds nothing but its own object. */
export function podEnded(pod: Pod, now: number): boolean {
  const phase = pod.status?.phase;
  if (phase === 'Failed' || phase === 'Succeeded') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return now > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function podUsage(pod: Pod, now: number): Amounts {
  const usage: Amounts = { 'count/pods': one };
  if (podEnded(pod, now) || !pod.spec) return usage;
  usage.pods = one;
  const requests = podResources(pod.spec, 'requests', { overhead: true });
  const limits = podResources(pod.spec, 'limits', { overhead: true });
  for (const [name, amount] of Object.entries(requests)) {
    if (['cpu', 'memory', 'ephemeral-storage'].includes(name) || isHugePages(name)) usage[name] = amount;
    if (usage[name] || isExtended(name)) usage[`requests.${name}`] = amount;
  }
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const amount = limits[name];
    if (amount) usage[`limits.${name}`] = amount;
  }
  return usage;
}

function claimUsage(claim: PersistentVolumeClaim): Amounts {
  const usage: Amounts = { 'count/persistentvolumeclaims': one, persistentvolumeclaims: one };
  const storage = amountsOf(claim.spec?.resources?.requests).storage;
  const storageClass =
    claim.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName;
  if (storage) usage['requests.storage'] = storage;
  if (storageClass) {
    const prefix = `${storageClass}.storageclass.storage.k8s.io`;
    usage[`${prefix}/persistentvolumeclaims`] = one;
    if (storage) usage[`${prefix}/requests.storage`] = storage;
  }
  return usage;
}

function serviceUsage(service: Service): Amounts {
  const ports = service.spec?.ports ?? [];
  const type = service.spec?.type;
  const usage: Amounts = {
    'count/services': one,
    services: one,
    'services.nodeports': count(0),
    'services.loadbalancers': count(0),
  };
  if (type === 'NodePort') usage['services.nodeports'] = count(ports.length);
  if (type === 'LoadBalancer') {
    usage['services.loadbalancers'] = one;
    const withPorts =
      service.spec?.allocateLoadBalancerNodePorts === false ? ports.filter((p) => p.nodePort).length : ports.length;
    usage['services.nodeports'] = count(withPorts);
  }
  return usage;
}

/** What one object uses, by the names that quotas have. */
export function usageOf(group: string, resource: string, object: unknown, now = Date.now()): Amounts {
  if (group === '') {
    if (resource === 'pods') return podUsage(object as Pod, now);
    if (resource === 'persistentvolumeclaims') return claimUsage(object as PersistentVolumeClaim);
    if (resource === 'services') return serviceUsage(object as Service);
    if (plainCounts.has(resource)) return { [objectCountName(group, resource)]: one, [resource]: one };
  }
  return { [objectCountName(group, resource)]: one };
}

const isBestEffort = (spec: PodSpec): boolean =>
  [...spec.containers, ...(spec.initContainers ?? [])].every((c) =>
    [c.resources?.requests, c.resources?.limits].every((list) =>
      ['cpu', 'memory'].every((name) => list?.[name] === undefined || Number.parseFloat(list[name]) === 0),
    ),
  ) &&
  !spec.resources?.requests &&
  !spec.resources?.limits;

const isTerminating = (spec: PodSpec): boolean =>
  spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;

function crossNamespace(spec: PodSpec): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((a) =>
    [
      ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm),
    ].some((term) => (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined),
  );
}

function scopeMatches(
  { scopeName, operator, values }: { scopeName: string; operator: string; values?: readonly string[] | undefined },
  resource: string,
  object: unknown,
): boolean {
  if (resource === 'persistentvolumeclaims' && scopeName === 'VolumeAttributesClass') {
    const name = (object as PersistentVolumeClaim).spec?.volumeAttributesClassName ?? '';
    return valueMatches(name, operator, values);
  }
  if (resource !== 'pods') return false;
  const spec = (object as Pod).spec as PodSpec;
  switch (scopeName) {
    case 'Terminating':
      return isTerminating(spec);
    case 'NotTerminating':
      return !isTerminating(spec);
    case 'BestEffort':
      return isBestEffort(spec);
    case 'NotBestEffort':
      return !isBestEffort(spec);
    case 'PriorityClass':
      return valueMatches(spec.priorityClassName ?? '', operator, values);
    case 'CrossNamespacePodAffinity':
      return crossNamespace(spec);
    default:
      return false;
  }
}

function valueMatches(value: string, operator: string, values: readonly string[] | undefined): boolean {
  switch (operator) {
    case 'In':
      return values?.includes(value) ?? false;
    case 'NotIn':
      return !(values?.includes(value) ?? false);
    case 'Exists':
      return value !== '';
    default:
      return value === '';
  }
}

/** Whether an object counts against a quota by the quota's scopes. */
export function inScope(spec: ResourceQuotaSpec | undefined, resource: string, object: unknown): boolean {
  const scopes = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  return scopes.every((scope) => scopeMatches(scope, resource, object));
}

/** The bounds of a quota that an object of this resource can reach: those that `usageOf` could name. */
export function boundsFor(quota: ResourceQuota, usage: Readonly<Amounts>): string[] {
  return Object.keys(quota.spec?.hard ?? {}).filter((name) => usage[name] !== undefined);
}
