import type { Plugin } from './plugin.ts';
import { balancedAllocation } from './plugins/balanced-allocation.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { createInterPodAffinity, type InterPodAffinityOptions } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { createPodTopologySpread, type PodTopologySpreadOptions } from './plugins/pod-topology-spread.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration.ts';

/** The plugins of `default-scheduler`, in the order in which filters run. */
export function defaultProfile(
  options: InterPodAffinityOptions & PodTopologySpreadOptions & { volumes: readonly Plugin[] },
): readonly Plugin[] {
  return [
    schedulingGates,
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity,
    nodePorts,
    nodeResourcesFit,
    dynamicResources,
    ...options.volumes,
    createPodTopologySpread(options),
    createInterPodAffinity(options),
    balancedAllocation,
    imageLocality,
  ];
}
