import type { Node } from '../../api/gen/core-v1.ts';
import type { KubeletOptions } from '../options.ts';

/** The node object as it is registered. */
export function nodeTemplate(options: KubeletOptions, architecture: string): Node {
  const {
    nodeName,
    hostname = nodeName,
    instanceType = 'k3s',
    nodeLabels,
    nodeAnnotations,
    nodeTaints,
    nodeIPs,
  } = options;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      labels: {
        'beta.kubernetes.io/arch': architecture,
        'beta.kubernetes.io/instance-type': instanceType,
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': architecture,
        'kubernetes.io/hostname': hostname,
        'kubernetes.io/os': 'linux',
        'node.kubernetes.io/instance-type': instanceType,
        ...nodeLabels,
      },
      annotations: {
        'alpha.kubernetes.io/provided-node-ip': nodeIPs.join(','),
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
        ...nodeAnnotations,
      },
    },
    spec: {
      ...(options.providerId ? { providerID: options.providerId } : {}),
      ...(nodeTaints && nodeTaints.length > 0 ? { taints: [...nodeTaints] } : {}),
    },
  };
}
