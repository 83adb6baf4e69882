import { type LabelRequirements, matchesLabels } from '../api/selectors.ts';
import type { PodInfo } from './pod-info.ts';

/** Which pods to count. */
export interface CountSpec {
  readonly namespaces: ReadonlySet<string>;
  readonly selector: LabelRequirements;
  readonly withTerminating: boolean;
}

export function countsPod(spec: CountSpec, { pod, namespace }: PodInfo): boolean {
  if (!spec.namespaces.has(namespace)) return false;
  if (!spec.withTerminating && pod.metadata.deletionTimestamp !== undefined) return false;
  return matchesLabels(spec.selector, pod.metadata.labels);
}

/**
 * How many pods that a selector selects run on each node. The first question about a selector looks at all pods, later
 * ones are answered from counts that each added or removed pod keeps up to date.
 */
export interface PodCounters {
  counts(spec: CountSpec): ReadonlyMap<string, number>;
  added(pod: PodInfo, node: string): void;
  removed(pod: PodInfo, node: string): void;
}

const remembered = 128;

const keyOf = (spec: CountSpec): string =>
  JSON.stringify([[...spec.namespaces].sort(), spec.selector, spec.withTerminating]);

export function createPodCounters(allPods: () => Iterable<readonly [string, PodInfo]>): PodCounters {
  const counters = new Map<string, { spec: CountSpec; byNode: Map<string, number> }>();

  const change = (pod: PodInfo, node: string, by: number): void => {
    for (const { spec, byNode } of counters.values()) {
      if (countsPod(spec, pod)) byNode.set(node, (byNode.get(node) ?? 0) + by);
    }
  };

  return {
    counts(spec) {
      const key = keyOf(spec);
      let counter = counters.get(key);
      if (counter) {
        counters.delete(key);
      } else {
        counter = { spec, byNode: new Map() };
        for (const [node, pod] of allPods()) {
          if (countsPod(spec, pod)) counter.byNode.set(node, (counter.byNode.get(node) ?? 0) + 1);
        }
      }
      counters.set(key, counter);
      if (counters.size > remembered) counters.delete(counters.keys().next().value as string);
      return counter.byNode;
    },
    added: (pod, node) => change(pod, node, 1),
    removed: (pod, node) => change(pod, node, -1),
  };
}
