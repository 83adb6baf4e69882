import type { Node, Taint } from '../../api/gen/core-v1.ts';
import { timeText } from '../runtime/time.ts';

const prefix = 'node.kubernetes.io/';
export const notReady = `${prefix}not-ready`;
export const unreachable = `${prefix}unreachable`;

/** Taints that follow a condition: type and status to key. */
const byCondition: readonly (readonly [string, string, string])[] = [
  ['Ready', 'False', notReady],
  ['Ready', 'Unknown', unreachable],
  ['MemoryPressure', 'True', `${prefix}memory-pressure`],
  ['DiskPressure', 'True', `${prefix}disk-pressure`],
  ['NetworkUnavailable', 'True', `${prefix}network-unavailable`],
  ['PIDPressure', 'True', `${prefix}pid-pressure`],
];
const unschedulable = `${prefix}unschedulable`;
const managedNoSchedule = new Set([...byCondition.map(([, , key]) => key), unschedulable]);
const managedNoExecute = new Set([notReady, unreachable]);

function wantedNoSchedule(node: Node): string[] {
  const conditions = node.status?.conditions ?? [];
  const keys = byCondition
    .filter(([type, status]) => conditions.some((c) => c.type === type && c.status === status))
    .map(([, , key]) => key);
  return node.spec?.unschedulable ? [...keys, unschedulable] : keys;
}

/** The NoExecute taint that a node that is not ready deserves. */
export function wantedNoExecute(node: Node): string | undefined {
  const ready = node.status?.conditions?.find((c) => c.type === 'Ready')?.status;
  if (ready === 'False') return notReady;
  return ready === 'Unknown' ? unreachable : undefined;
}

export const hasNoExecute = (node: Node, key: string): boolean =>
  (node.spec?.taints ?? []).some((t) => t.key === key && t.effect === 'NoExecute');

/**
 * The taints that the node should have: those of others as they are, those by condition as the conditions are, and
 * `noExecute` (a key, or none; `keep`: as it is).
 */
export function desiredTaints(node: Node, noExecute: string | undefined | 'keep', now: number): Taint[] {
  const old = node.spec?.taints ?? [];
  const wanted = new Set(wantedNoSchedule(node));
  const kept = old.filter((t) => {
    if (t.effect === 'NoSchedule' && managedNoSchedule.has(t.key)) return wanted.delete(t.key);
    if (t.effect === 'NoExecute' && managedNoExecute.has(t.key)) return noExecute === 'keep' || t.key === noExecute;
    return true;
  });
  const added: Taint[] = [...wanted].map((key) => ({ key, effect: 'NoSchedule', timeAdded: timeText(now) }));
  if (noExecute && noExecute !== 'keep' && !kept.some((t) => t.key === noExecute && t.effect === 'NoExecute')) {
    added.push({ key: noExecute, effect: 'NoExecute', timeAdded: timeText(now) });
  }
  return [...kept, ...added];
}
