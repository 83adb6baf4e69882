import type { Container, PodSpec } from './gen/core-v1.ts';
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

function maxAmounts(to: Amounts, other: Readonly<Amounts>): Amounts {
  for (const [name, amount] of Object.entries(other)) {
    const have = to[name];
    if (!have || compareQuantities(have, amount) < 0) to[name] = amount;
  }
  return to;
}

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** What pods may state for themselves as a whole. */
const podLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/**
 * What a pod asks for (or may use at most) by its spec: containers together, or the largest moment of its init
 * containers, whichever is more; then what it says at pod level; then its overhead. Upstream:
 * `component-helpers/resource/helpers.go`.
 */
export function podResources(spec: PodSpec, kind: Kind, options: { overhead?: boolean } = {}): Amounts {
  const total: Amounts = {};
  for (const container of spec.containers) addAmounts(total, amountsOf(container.resources?.[kind]));
  const sidecars: Amounts = {};
  const starting: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = amountsOf(container.resources?.[kind]);
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
