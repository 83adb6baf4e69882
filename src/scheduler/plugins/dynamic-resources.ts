import type { Plugin } from '../plugin.ts';

/** Nobody here allocates devices: a pod that claims some waits and is told so, rather than run without them. */
export const dynamicResources: Plugin = {
  name: 'DynamicResources',
  wakes: [],
  preFilter({ pod }) {
    if ((pod.pod.spec?.resourceClaims ?? []).length === 0) return undefined;
    return { reasons: ['devices of resource claims are not allocated by this scheduler'], unresolvable: true };
  },
};
