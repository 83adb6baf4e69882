import type { Container, ResourceRequirements } from '../../api/gen/core-v1.ts';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityMilliValue,
  quantityValue,
} from '../../api/quantity.ts';
import type { LinuxResources } from '../../cri/types.ts';
import { isSidecar, type NodePod } from './pod.ts';
import { oomScoreAdjust } from './qos.ts';

export const cpuPeriod = 100_000;

/** CPU shares of a request in thousandths of a core: at least 2, at most 262,144. */
export function sharesOf(milliCpu: number): number {
  if (milliCpu === 0) return 2;
  return Math.min(262_144, Math.max(2, Math.trunc((milliCpu * 1024) / 1000)));
}

/** The quota within one period of `cpuPeriod` µs, at least 1 ms; 0 means no limit. */
export function quotaOf(milliCpu: number): number {
  return milliCpu === 0 ? 0 : Math.max(1000, Math.trunc((milliCpu * cpuPeriod) / 1000));
}

const limitOf = (pod: NodePod, container: Container, resource: string): string | undefined =>
  container.resources?.limits?.[resource] ?? pod.spec.resources?.limits?.[resource];

/** What the runtime enforces on one container. */
export function containerResources(
  pod: NodePod,
  container: Container,
  node: { memoryCapacity: number; hugePageSizes: readonly string[] },
): LinuxResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const cpuLimit = quantityMilliValue(limitOf(pod, container, 'cpu') ?? '0');
  const memoryLimit = quantityValue(limitOf(pod, container, 'memory') ?? '0');
  const request = requests.cpu ?? limits.cpu ?? '0';
  return {
    cpuShares: sharesOf(quantityMilliValue(request)),
    cpuPeriod,
    cpuQuota: quotaOf(cpuLimit),
    ...(memoryLimit > 0 ? { memoryLimitInBytes: memoryLimit } : {}),
    oomScoreAdj: oomScoreAdjust(pod, container, node.memoryCapacity),
    hugepageLimits: node.hugePageSizes.map((pageSize) => ({
      pageSize,
      limit: quantityValue(limits[`hugepages-${pageSize.replace(/B$/, 'i')}`] ?? '0'),
    })),
  };
}

type Which = 'requests' | 'limits';

function max(a: Record<string, string>, b: Record<string, string>): Record<string, string> {
  const result = { ...a };
  for (const [name, value] of Object.entries(b))
    if (result[name] === undefined || compareQuantities(value, result[name]) > 0) result[name] = value;
  return result;
}

function add(a: Record<string, string>, b: Record<string, string> | undefined): Record<string, string> {
  const result = { ...a };
  for (const [name, value] of Object.entries(b ?? {}))
    result[name] = formatQuantity(addQuantities(result[name] ?? '0', value));
  return result;
}

const own = (resources: ResourceRequirements | undefined, which: Which): Record<string, string> =>
  resources?.[which] ?? {};

/**
 * What a pod takes of the node: its containers together with its sidecars, or the largest step of its initialisation
 * where that is more, or what the pod itself says; plus the overhead of its runtime class.
 */
export function podResources(pod: NodePod, which: Which): Record<string, string> {
  const { spec } = pod;
  let running: Record<string, string> = {};
  for (const container of spec.containers) running = add(running, own(container.resources, which));
  let sidecars: Record<string, string> = {};
  let initial: Record<string, string> = {};
  for (const container of spec.initContainers ?? []) {
    const mine = own(container.resources, which);
    if (isSidecar(container)) {
      sidecars = add(sidecars, mine);
      initial = max(initial, sidecars);
    } else initial = max(initial, add(sidecars, mine));
  }
  let result = max(add(running, sidecars), initial);
  result = { ...result, ...own(spec.resources, which) };
  if (!spec.overhead) return result;
  return which === 'requests'
    ? add(result, spec.overhead)
    : add(result, Object.fromEntries(Object.entries(spec.overhead).filter(([name]) => result[name] !== undefined)));
}

/** Limits of the pod's own cgroup; undefined where a container without a limit leaves the pod unlimited. */
export function podCgroupResources(pod: NodePod): { cpuShares: number; cpuQuota?: number; memoryLimit?: number } {
  const requests = podResources(pod, 'requests');
  const limits = podResources(pod, 'limits');
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const limited = (resource: string): boolean =>
    pod.spec.resources?.limits?.[resource] !== undefined ||
    all.every((c) => c.resources?.limits?.[resource] !== undefined);
  const memoryLimit = quantityValue(limits.memory ?? '0');
  return {
    cpuShares: sharesOf(quantityMilliValue(requests.cpu ?? limits.cpu ?? '0')),
    ...(limited('cpu') && limits.cpu ? { cpuQuota: quotaOf(quantityMilliValue(limits.cpu)) } : {}),
    ...(limited('memory') && memoryLimit > 0 ? { memoryLimit } : {}),
  };
}

/** A resource of a container in units of `divisor`, rounded up; what has no limit has the node's allocatable amount. */
export function resourceFieldValue(
  container: Container,
  selector: { resource: string; divisor?: string | undefined },
  allocatable: Readonly<Record<string, string>>,
): string {
  const [which, ...rest] = selector.resource.split('.');
  const name = rest.join('.');
  if ((which !== 'limits' && which !== 'requests') || name === '')
    throw new Error(`unsupported container resource : ${selector.resource}`);
  const own = container.resources ?? {};
  const amount =
    own[which]?.[name] ??
    (which === 'requests' ? own.limits?.[name] : undefined) ??
    (which === 'limits' && ['cpu', 'memory', 'ephemeral-storage'].includes(name) ? allocatable[name] : undefined) ??
    '0';
  const divisor = parseQuantity(selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor);
  const value = parseQuantity(canonicalQuantity(amount));
  return String((value.nanos + divisor.nanos - 1n) / divisor.nanos);
}
