import { portsClash } from '../node-info.ts';
import type { Plugin } from '../plugin.ts';

export const nodePorts: Plugin = {
  name: 'NodePorts',
  wakes: ['node-added', 'pod-removed'],
  filter({ pod }, node) {
    if (pod.hostPorts.length === 0) return undefined;
    for (const taken of node.hostPorts.keys()) {
      if (pod.hostPorts.some((p) => portsClash(p, taken))) {
        return { reasons: ["node(s) didn't have free ports for the requested pod ports"] };
      }
    }
    return undefined;
  },
};
