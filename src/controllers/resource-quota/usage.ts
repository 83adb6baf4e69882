import type { Container, PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../api/gen/core-v1.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  zeroQuantity,
} from '../../api/quantity.ts';
import { isTerminal } from '../runtime/pods.ts';

export type Usage = Map<string, Quantity>;
type Named = Readonly<Record<string, string | number>> | undefined;

function add(usage: Usage, name: string, amount: string | number | Quantity): void {
  const quantity = typeof amount === 'object' ? amount : parseQuantity(amount);
  usage.set(name, addQuantities(usage.get(name) ?? zeroQuantity, quantity));
}

function larger(to: Usage, from: Usage): void {
  for (const [name, amount] of from) {
    const known = to.get(name);
    if (!known || compareQuantities(amount, known) > 0) to.set(name, amount);
  }
}

function sumOf(containers: readonly Container[], field: 'requests' | 'limits'): Usage {
  const sum: Usage = new Map();
  for (const c of containers) {
    for (const [name, amount] of Object.entries((c.resources?.[field] as Named) ?? {})) add(sum, name, amount);
  }
  return sum;
}

/** All that a pod asks for: containers and sidecars together, or the greediest init container. */
function podAmounts(pod: Pod, field: 'requests' | 'limits'): Usage {
  const init = pod.spec?.initContainers ?? [];
  const sidecars = init.filter((c) => c.restartPolicy === 'Always');
  const sum = sumOf([...(pod.spec?.containers ?? []), ...sidecars], field);
  for (const c of init) if (c.restartPolicy !== 'Always') larger(sum, sumOf([c], field));
  for (const [name, amount] of Object.entries((pod.spec?.overhead as Named) ?? {})) add(sum, name, amount);
  return sum;
}

const isBestEffort = (pod: Pod): boolean =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].every(
    (c) => Object.keys(c.resources?.requests ?? {}).length + Object.keys(c.resources?.limits ?? {}).length === 0,
  );

function inScope(pod: Pod, scope: string, operator: string | undefined, values: readonly string[] = []): boolean {
  switch (scope) {
    case 'Terminating':
      return pod.spec?.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return pod.spec?.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass': {
      const name = pod.spec?.priorityClassName ?? '';
      if (operator === 'In') return values.includes(name);
      if (operator === 'NotIn') return !values.includes(name);
      return operator === 'DoesNotExist' ? name === '' : name !== '';
    }
    case 'CrossNamespacePodAffinity':
      return JSON.stringify(pod.spec?.affinity ?? {}).includes('"namespace');
    default:
      return false;
  }
}

/** Whether a quota with scopes looks at this pod. */
export function quotaSelects(quota: ResourceQuota, pod: Pod): boolean {
  const { scopes = [], scopeSelector } = quota.spec ?? {};
  return (
    scopes.every((scope) => inScope(pod, scope, undefined)) &&
    (scopeSelector?.matchExpressions ?? []).every((e) => inScope(pod, e.scopeName, e.operator, e.values))
  );
}

export function podUsage(pods: readonly Pod[]): Usage {
  const usage: Usage = new Map();
  for (const pod of pods) {
    add(usage, 'count/pods', 1);
    if (isTerminal(pod)) continue;
    add(usage, 'pods', 1);
    for (const [name, amount] of podAmounts(pod, 'requests')) {
      if (['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-'))
        add(usage, name, amount);
      add(usage, `requests.${name}`, amount);
    }
    for (const [name, amount] of podAmounts(pod, 'limits')) add(usage, `limits.${name}`, amount);
  }
  return usage;
}

export function serviceUsage(services: readonly Service[]): Usage {
  const usage: Usage = new Map();
  for (const service of services) {
    const { type = 'ClusterIP', ports = [], allocateLoadBalancerNodePorts } = service.spec ?? {};
    add(usage, 'services', 1);
    add(usage, 'count/services', 1);
    if (type === 'LoadBalancer') add(usage, 'services.loadbalancers', 1);
    if (type === 'NodePort') add(usage, 'services.nodeports', ports.length);
    if (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)
      add(usage, 'services.nodeports', ports.length);
  }
  return usage;
}

export function claimUsage(claims: readonly PersistentVolumeClaim[]): Usage {
  const usage: Usage = new Map();
  for (const { spec } of claims) {
    const storage = (spec?.resources?.requests as Named)?.storage ?? 0;
    const prefix = spec?.storageClassName ? `${spec.storageClassName}.storageclass.storage.k8s.io/` : undefined;
    add(usage, 'persistentvolumeclaims', 1);
    add(usage, 'count/persistentvolumeclaims', 1);
    add(usage, 'requests.storage', storage);
    if (!prefix) continue;
    add(usage, `${prefix}persistentvolumeclaims`, 1);
    add(usage, `${prefix}requests.storage`, storage);
  }
  return usage;
}

/** `used` for exactly the names that the quota limits. */
export function usedOf(quota: ResourceQuota, usage: Usage): Record<string, string> {
  const used: Record<string, string> = {};
  for (const name of Object.keys(quota.spec?.hard ?? {})) used[name] = formatQuantity(usage.get(name) ?? zeroQuantity);
  return used;
}
