import { isTolerated } from '../../api/tolerations.ts';
import type { Plugin } from '../plugin.ts';

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  wakes: ['node-added', 'node-changed'],
  filter({ pod }, node) {
    if (!node.node.spec?.unschedulable || isTolerated(pod.pod.spec?.tolerations, taint)) return undefined;
    return { reasons: ['node(s) were unschedulable'], unresolvable: true };
  },
};
