import type { Plugin } from '../plugin.ts';

const share = (capacity: number, used: number): number =>
  capacity === 0 || used > capacity ? 0 : Math.floor(((capacity - used) * 100) / capacity);

/** Enough of everything; among those that have, the emptiest. */
export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',
  wakes: ['node-added', 'node-changed', 'pod-removed', 'pod-changed'],
  filter({ pod }, node) {
    const { requests } = pod;
    const { allocatable, requested } = node;
    const reasons: string[] = [];
    let unresolvable = false;
    const want = (name: string, wanted: number, have: number, used: number): void => {
      if (wanted === 0 || wanted <= have - used) return;
      reasons.push(`Insufficient ${name}`);
      if (wanted > have) unresolvable = true;
    };
    if (node.pods.size + 1 > node.allowedPods) reasons.push('Too many pods');
    want('cpu', requests.cpu, allocatable.cpu, requested.cpu);
    want('memory', requests.memory, allocatable.memory, requested.memory);
    want('ephemeral-storage', requests.storage, allocatable.storage, requested.storage);
    for (const [name, wanted] of requests.others ?? []) {
      want(name, wanted, allocatable.others?.get(name) ?? 0, requested.others?.get(name) ?? 0);
    }
    return reasons.length === 0 ? undefined : { reasons, unresolvable };
  },
  score: {
    weight: 1,
    of({ pod }, { allocatable, scored }) {
      const cpu = share(allocatable.cpu, scored.cpu + pod.scored.cpu);
      const memory = share(allocatable.memory, scored.memory + pod.scored.memory);
      return Math.floor((cpu + memory) / 2);
    },
  },
};
