import { readFile } from 'node:fs/promises';
import { parseQuantity, quantityValue } from '../api/quantity.ts';
import { KnarrError } from '../base/errors.ts';
import type { Pressure } from './node/node-status.ts';
import { isCriticalPod, isStaticPod, type NodePod } from './pod/pod.ts';
import { qosClassOf } from './pod/qos.ts';
import { podResources } from './pod/resources.ts';
import type { Verdict } from './status/generate.ts';

/** What can run short, and what is then said. */
export type Signal =
  | 'memory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'pid.available';

export interface Observation {
  available: number;
  capacity: number;
}

/**
 * Memory as upstream has it, but no more than a tenth of all; disks as K3s has them: what is small is to be used. (An
 * upgrade of a machine with 384 MB leaves less than 100 MiB.)
 */
export const defaultThresholds = (memoryBytes: number): Readonly<Record<string, string>> => ({
  'memory.available': memoryBytes < 1000 << 20 ? '10%' : '100Mi',
  'nodefs.available': '5%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '5%',
  'imagefs.inodesFree': '5%',
});

const resourceOf: Record<Signal, { name: string; pressure: keyof Pressure }> = {
  'memory.available': { name: 'memory', pressure: 'memory' },
  'nodefs.available': { name: 'ephemeral-storage', pressure: 'disk' },
  'nodefs.inodesFree': { name: 'inodes', pressure: 'disk' },
  'imagefs.available': { name: 'ephemeral-storage', pressure: 'disk' },
  'imagefs.inodesFree': { name: 'inodes', pressure: 'disk' },
  'pid.available': { name: 'pids', pressure: 'pid' },
};

/** A threshold as an amount: a quantity, or a share of the capacity. */
export function thresholdAmount(text: string, capacity: number): number {
  if (text.endsWith('%')) return (capacity * Number.parseFloat(text)) / 100;
  return quantityValue(text);
}

/** The signals that are below their thresholds. Throws on a signal that there is none of. */
export function shortSignals(
  thresholds: Readonly<Record<string, string>>,
  observed: Readonly<Partial<Record<Signal, Observation>>>,
): { signal: Signal; threshold: string; available: number }[] {
  return Object.entries(thresholds).flatMap(([name, threshold]) => {
    if (!(name in resourceOf))
      throw new KnarrError({ code: 'eviction-signal', blame: 'user', message: `unknown eviction signal ${name}` });
    const signal = name as Signal;
    const seen = observed[signal];
    if (!seen || seen.available >= thresholdAmount(threshold, seen.capacity)) return [];
    return [{ signal, threshold, available: seen.available }];
  });
}

export interface Usage {
  /** Bytes of memory by pod uid. */
  memory: ReadonlyMap<string, number>;
  /** Bytes of writable layers and logs by pod uid. */
  disk: ReadonlyMap<string, number>;
}

/** Which pods go first: who uses more than was asked for, then low priority, then who is farthest over. */
export function evictionOrder(pods: readonly NodePod[], signal: Signal, usage: Usage): NodePod[] {
  const kind = resourceOf[signal].name === 'memory' ? 'memory' : 'disk';
  const over = (pod: NodePod): number => {
    const request = kind === 'memory' ? quantityValue(podResources(pod, 'requests').memory ?? '0') : 0;
    return (usage[kind].get(pod.metadata.uid) ?? 0) - request;
  };
  return pods
    .filter((p) => !isStaticPod(p) && !isCriticalPod(p))
    .sort((a, b) => {
      const exceeds = Number(over(b) > 0) - Number(over(a) > 0);
      if (exceeds !== 0) return exceeds;
      const priority = (a.spec.priority ?? 0) - (b.spec.priority ?? 0);
      return priority !== 0 ? priority : over(b) - over(a);
    });
}

const ki = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;

export function evictionVerdict(
  short: { signal: Signal; threshold: string; available: number },
  capacity: number,
): Verdict {
  const { name } = resourceOf[short.signal];
  const threshold = short.threshold.endsWith('%')
    ? String(Math.floor(thresholdAmount(short.threshold, capacity)))
    : (parseQuantity(short.threshold).text ?? short.threshold);
  return {
    phase: 'Failed',
    reason: 'Evicted',
    message: `The node was low on resource: ${name}. Threshold quantity: ${threshold}, available: ${ki(short.available)}. `,
    disruption: true,
  };
}

/** Why a node under pressure does not take the pod; undefined when it does. */
export function refusedUnderPressure(pod: NodePod, pressure: Pressure): string | undefined {
  if (isCriticalPod(pod) || (!pressure.memory && !pressure.disk && !pressure.pid)) return undefined;
  const onlyMemory = pressure.memory && !pressure.disk && !pressure.pid;
  if (onlyMemory) {
    if (qosClassOf(pod) !== 'BestEffort') return undefined;
    const tolerates = (pod.spec.tolerations ?? []).some(
      (t) => (!t.key && t.operator === 'Exists') || t.key === 'node.kubernetes.io/memory-pressure',
    );
    if (tolerates) return undefined;
  }
  const names = [
    pressure.memory ? 'MemoryPressure' : '',
    pressure.disk ? 'DiskPressure' : '',
    pressure.pid ? 'PIDPressure' : '',
  ];
  return names.filter(Boolean).join(' ');
}

/** Memory of the machine that can be had at once, as the kernel tells it. */
export async function observeMemory(): Promise<Observation> {
  const text = await readFile('/proc/meminfo', 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { available: kib('MemAvailable'), capacity: kib('MemTotal') };
}
