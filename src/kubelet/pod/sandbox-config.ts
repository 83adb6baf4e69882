import { quantityMilliValue, quantityValue } from '../../api/quantity.ts';
import type { LinuxResources, PortMapping, SandboxConfig } from '../../cri/types.ts';
import type { ResolvConf } from './dns.ts';
import { kernelHostname } from './hostname.ts';
import { sandboxLabels } from './labels.ts';
import { isHostNetwork, type NodePod } from './pod.ts';
import { cpuPeriod, podCgroupResources, quotaOf, sharesOf } from './resources.ts';
import { type SecurityContextNode, sandboxSecurity } from './security.ts';

export interface SandboxNode extends SecurityContextNode {
  podLogsDir: string;
  clusterDomain: string;
}

/** `<podLogsDir>/<namespace>_<name>_<uid>`; container logs lie below, in `<container>/<restart>.log`. */
export const podLogDirectory = (podLogsDir: string, pod: NodePod): string =>
  `${podLogsDir}/${pod.metadata.namespace}_${pod.metadata.name}_${pod.metadata.uid}`;

function portMappings(pod: NodePod): PortMapping[] {
  const all = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'),
  ].flatMap((c) => c.ports ?? []);
  const seen = new Set<string>();
  return all.flatMap((port) => {
    const mapping: PortMapping = {
      protocol: (port.protocol ?? 'TCP') as PortMapping['protocol'],
      containerPort: port.containerPort,
      hostPort: port.hostPort ?? 0,
      hostIp: port.hostIP ?? '',
    };
    const key = JSON.stringify(mapping);
    if (seen.has(key)) return [];
    seen.add(key);
    return [mapping];
  });
}

function overheadOf(pod: NodePod): LinuxResources {
  const cpu = quantityMilliValue(pod.spec.overhead?.cpu ?? '0');
  const memory = quantityValue(pod.spec.overhead?.memory ?? '0');
  if (cpu === 0 && memory === 0) return {};
  return { cpuShares: sharesOf(cpu), cpuPeriod, cpuQuota: quotaOf(cpu), memoryLimitInBytes: memory };
}

export function sandboxConfig(options: {
  pod: NodePod;
  attempt: number;
  cgroupParent: string;
  dns: ResolvConf;
  node: SandboxNode;
}): SandboxConfig {
  const { pod, attempt, cgroupParent, dns, node } = options;
  const { name, namespace, uid, annotations = {} } = pod.metadata;
  const { cpuShares, cpuQuota, memoryLimit } = podCgroupResources(pod);
  return {
    metadata: { name, namespace, uid, attempt },
    hostname: isHostNetwork(pod) ? '' : kernelHostname(pod, node.clusterDomain),
    logDirectory: podLogDirectory(node.podLogsDir, pod),
    dnsConfig: dns,
    portMappings: isHostNetwork(pod) ? [] : portMappings(pod),
    labels: sandboxLabels(pod),
    annotations,
    linux: {
      cgroupParent,
      securityContext: sandboxSecurity(pod, node),
      sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map((s) => [s.name, s.value])),
      overhead: overheadOf(pod),
      resources: {
        cpuShares,
        cpuPeriod,
        ...(cpuQuota ? { cpuQuota } : {}),
        ...(memoryLimit ? { memoryLimitInBytes: memoryLimit } : {}),
      },
    },
  };
}
