import type { Container, Pod } from '../api/gen/core-v1.ts';
import { quantityMilliValue, quantityValue } from '../api/quantity.ts';

/** Amounts: CPU in thousandths, all else in units. */
export interface Amounts {
  cpu: number;
  memory: number;
  storage: number;
  /** Extended resources and huge pages by name. */
  others: Map<string, number> | undefined;
}

export const noAmounts = (): Amounts => ({ cpu: 0, memory: 0, storage: 0, others: undefined });

const known = new Map<string, number>();

/** Quantities repeat from pod to pod: each text is parsed once. */
function amount(text: string | number | undefined, milli: boolean): number {
  if (text === undefined) return 0;
  const key = milli ? `m${text}` : String(text);
  let value = known.get(key);
  if (value === undefined) {
    value = milli ? quantityMilliValue(text) : quantityValue(text);
    if (known.size > 10_000) known.clear();
    known.set(key, value);
  }
  return value;
}

type Named = Readonly<Record<string, string | number>> | undefined;

/** `ResourceList` as numbers. */
export function amountsOf(list: Named): Amounts {
  const result = noAmounts();
  for (const [name, text] of Object.entries(list ?? {})) {
    if (name === 'cpu') result.cpu = amount(text, true);
    else if (name === 'memory') result.memory = amount(text, false);
    else if (name === 'ephemeral-storage') result.storage = amount(text, false);
    else if (name !== 'pods') {
      result.others ??= new Map();
      result.others.set(name, amount(text, false));
    }
  }
  return result;
}

/** Adds `other` to `to`, `sign` times. */
export function addAmounts(to: Amounts, other: Amounts, sign = 1): void {
  to.cpu += sign * other.cpu;
  to.memory += sign * other.memory;
  to.storage += sign * other.storage;
  if (!other.others) return;
  to.others ??= new Map();
  for (const [name, value] of other.others) to.others.set(name, (to.others.get(name) ?? 0) + sign * value);
}

function raiseTo(to: Amounts, other: Amounts): void {
  to.cpu = Math.max(to.cpu, other.cpu);
  to.memory = Math.max(to.memory, other.memory);
  to.storage = Math.max(to.storage, other.storage);
  for (const [name, value] of other.others ?? []) {
    to.others ??= new Map();
    to.others.set(name, Math.max(to.others.get(name) ?? 0, value));
  }
}

/** What a container without a request counts for in scoring, so that such pods spread too. */
const defaultCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

function withDefaults(amounts: Amounts): Amounts {
  return { ...amounts, cpu: amounts.cpu || defaultCpu, memory: amounts.memory || defaultMemory };
}

function total(pod: Pod, of: (container: Container) => Amounts): Amounts {
  const sum = noAmounts();
  for (const container of pod.spec?.containers ?? []) addAmounts(sum, of(container));
  const sidecars = noAmounts();
  const peak = noAmounts();
  for (const container of pod.spec?.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === 'Always') {
      addAmounts(sidecars, own);
      addAmounts(sum, own);
      raiseTo(peak, sidecars);
    } else {
      const now = structuredClone(sidecars);
      addAmounts(now, own);
      raiseTo(peak, now);
    }
  }
  raiseTo(sum, peak);
  return sum;
}

/** What the pod asks for altogether: containers and sidecars, or the greediest moment of its start; plus overhead. */
export function podRequests(pod: Pod): { requests: Amounts; scored: Amounts } {
  const requestsOf = (c: Container): Amounts => amountsOf(c.resources?.requests as Named);
  const requests = total(pod, requestsOf);
  const scored = total(pod, (c) => withDefaults(requestsOf(c)));
  const whole = pod.spec?.resources?.requests as Named;
  if (whole) {
    const own = amountsOf(whole);
    for (const target of [requests, scored]) {
      if ('cpu' in whole) target.cpu = own.cpu;
      if ('memory' in whole) target.memory = own.memory;
    }
  }
  const overhead = amountsOf(pod.spec?.overhead as Named);
  addAmounts(requests, overhead);
  addAmounts(scored, overhead);
  return { requests, scored };
}
