import type { Plugin } from '../plugin.ts';

export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  wakes: [],
  preEnqueue({ pod }) {
    const gates = pod.spec?.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return { reasons: [`waiting for scheduling gates: [${gates.map((g) => g.name).join(' ')}]`], unresolvable: true };
  },
};
