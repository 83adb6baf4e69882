import type { Container, ContainerStatus, PodSpec, PodStatus } from './gen/core-v1.ts';
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from './quantity.ts';

/** Amounts by resource name. */
export type Amounts = Record<string, Quantity>;

type Kind = 'requests' | 'limits';

export function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
  return Object.fromEntries(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
}

export function addAmounts(to: Amounts, more: Readonly<Amounts>): Amounts {
  for (const [name, amount] of Object.entries(more)) {
    const have = to[name];
    to[name] = have ? addQuantities(have, amount) : amount;
  }
  return to;
}

export function maxAmounts(to: Amounts, other: Readonly<Amounts>): Amounts {
  for (const [name, amount] of Object.entries(other)) {
    const have = to[name];
    if (!have || compareQuantities(have, amount) < 0) to[name] = amount;
  }
  return to;
}

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** What pods may state for themselves as a whole. */
const podLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

interface PodResourcesOptions {
  /** What the runtime needs for the pod itself counts too. */
  overhead?: boolean;
  /** While a pod is resized the larger of what it had and what it asks for counts. */
  status?: PodStatus | undefined;
}

/** What a container asks for, or what it still has by its status. */
function ofContainer(container: Container, kind: Kind, status: PodStatus | undefined): Amounts {
  const own = amountsOf(container.resources?.[kind]);
  if (!status || !(isSidecar(container) || !status.initContainerStatuses?.some((s) => s.name === container.name)))
    return own;
  const all: ContainerStatus[] = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  const found = all.find(({ name }) => name === container.name);
  if (!found?.resources) return own;
  const actual = amountsOf(found.resources[kind]);
  const pending = status.conditions?.find(({ type }) => type === 'PodResizePending');
  const infeasible = pending?.reason === 'Infeasible';
  if (kind === 'requests') maxAmounts(actual, amountsOf(found.allocatedResources));
  return infeasible ? actual : maxAmounts(actual, own);
}

/**
 * What a pod asks for (or may use at most) by its spec: containers together, or the largest moment of its init
 * containers, whichever is more; then what it says at pod level; then its overhead. Upstream:
 * `component-helpers/resource/helpers.go`.
 */
export function podResources(spec: PodSpec, kind: Kind, options: PodResourcesOptions = {}): Amounts {
  const { status } = options;
  const total: Amounts = {};
  for (const container of spec.containers ?? []) addAmounts(total, ofContainer(container, kind, status));
  const sidecars: Amounts = {};
  const starting: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = ofContainer(container, kind, status);
    if (isSidecar(container)) {
      addAmounts(total, own);
      addAmounts(sidecars, own);
      maxAmounts(starting, sidecars);
    } else maxAmounts(starting, addAmounts({ ...sidecars }, own));
  }
  maxAmounts(total, starting);
  for (const [name, amount] of Object.entries(amountsOf(spec.resources?.[kind])))
    if (podLevel(name)) total[name] = amount;
  if (options.overhead && spec.overhead) {
    for (const [name, amount] of Object.entries(amountsOf(spec.overhead)))
      if (kind === 'requests' || total[name]) addAmounts(total, { [name]: amount });
  }
  return total;
}
