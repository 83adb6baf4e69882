import { isTolerated } from '../../api/tolerations.ts';
import { normalizeByMax, type Plugin } from '../plugin.ts';

export const taintToleration: Plugin = {
  name: 'TaintToleration',
  wakes: ['node-added', 'node-changed'],
  filter({ pod }, node) {
    const keepsOut = node.taints.some(
      (t) => (t.effect === 'NoSchedule' || t.effect === 'NoExecute') && !isTolerated(pod.pod.spec?.tolerations, t),
    );
    return keepsOut ? { reasons: ['node(s) had untolerated taint(s)'], unresolvable: true } : undefined;
  },
  score: {
    weight: 3,
    prepare: (_cycle, nodes) => nodes.some((n) => n.taints.some((t) => t.effect === 'PreferNoSchedule')),
    of({ pod }, node) {
      const tolerations = (pod.pod.spec?.tolerations ?? []).filter((t) => !t.effect || t.effect === 'PreferNoSchedule');
      return node.taints.filter((t) => t.effect === 'PreferNoSchedule' && !isTolerated(tolerations, t)).length;
    },
    normalize: (scores) => normalizeByMax(scores, true),
  },
};
