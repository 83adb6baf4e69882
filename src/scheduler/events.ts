import type { Node, Pod } from '../api/gen/core-v1.ts';

const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

export const isTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Whether the change can matter to scheduling: heartbeats and status reports do not. */
export function nodeMatters(node: Node, old: Node): boolean {
  return !(
    same(node.metadata.labels, old.metadata.labels) &&
    same(node.spec, old.spec) &&
    same(node.status?.allocatable, old.status?.allocatable) &&
    same(node.status?.images, old.status?.images)
  );
}

export function podMatters(pod: Pod, old: Pod): boolean {
  return !(
    pod.metadata.deletionTimestamp === old.metadata.deletionTimestamp &&
    same(pod.metadata.labels, old.metadata.labels) &&
    same(pod.spec, old.spec) &&
    pod.status?.nominatedNodeName === old.status?.nominatedNodeName
  );
}
