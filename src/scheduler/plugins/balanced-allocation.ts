import type { Plugin } from '../plugin.ts';

const fraction = (used: number, capacity: number): number => (capacity === 0 ? 1 : Math.min(1, used / capacity));

/** Prefers nodes whose CPU and memory would be used to the same degree. */
export const balancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  wakes: [],
  score: {
    weight: 1,
    prepare: ({ pod }) => pod.requests.cpu > 0 || pod.requests.memory > 0,
    of({ pod }, { allocatable, requested }) {
      const cpu = fraction(requested.cpu + pod.requests.cpu, allocatable.cpu);
      const memory = fraction(requested.memory + pod.requests.memory, allocatable.memory);
      return Math.floor((1 - Math.abs(cpu - memory) / 2) * 100);
    },
  },
};
