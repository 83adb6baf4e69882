import { isIPv6 } from 'node:net';
import type { Draft, Registry } from '../registry/types.ts';
import { ensure } from './ensure.ts';

export interface KubernetesServiceOptions {
  registry: Registry;
  /** The first address of the service range. */
  clusterIp: string;
  /** Where this server is reached from pods. */
  advertiseAddress: string;
  port: number;
}

const metadata = (labels: Record<string, string>) => ({ name: 'kubernetes', namespace: 'default', labels });

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The Service `kubernetes` in `default`, and the addresses behind it. */
export async function ensureKubernetesService(options: KubernetesServiceOptions): Promise<void> {
  const { registry, clusterIp, advertiseAddress, port } = options;
  await ensure(registry, {
    group: '',
    resource: 'services',
    object: {
      metadata: metadata({ component: 'apiserver', provider: 'kubernetes' }),
      spec: {
        clusterIP: clusterIp,
        clusterIPs: [clusterIp],
        ipFamilies: [isIPv6(clusterIp) ? 'IPv6' : 'IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
        sessionAffinity: 'None',
        type: 'ClusterIP',
      },
    } as Draft,
    reconcile: (found) => {
      const spec = found.spec as { ports?: { port?: number; targetPort?: unknown }[] };
      if (spec.ports?.length === 1 && spec.ports[0]?.targetPort === port && spec.ports[0].port === 443)
        return undefined;
      spec.ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port } as never];
      return found;
    },
  });

  const subsets = [{ addresses: [{ ip: advertiseAddress }], ports: [{ name: 'https', port, protocol: 'TCP' }] }];
  await ensure(registry, {
    group: '',
    resource: 'endpoints',
    object: {
      metadata: metadata({ 'endpointslice.kubernetes.io/skip-mirror': 'true' }),
      subsets,
    } as Draft,
    reconcile: (found) => {
      if (same(found.subsets, subsets)) return undefined;
      found.subsets = subsets;
      return found;
    },
  });

  const endpoints = [{ addresses: [advertiseAddress], conditions: { ready: true } }];
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  await ensure(registry, {
    group: 'discovery.k8s.io',
    resource: 'endpointslices',
    object: {
      metadata: metadata({ 'kubernetes.io/service-name': 'kubernetes' }),
      addressType: isIPv6(advertiseAddress) ? 'IPv6' : 'IPv4',
      endpoints,
      ports,
    } as Draft,
    reconcile: (found) => {
      if (
        same(
          (found.endpoints as { addresses?: unknown }[] | undefined)?.map((e) => e.addresses),
          [[advertiseAddress]],
        ) &&
        (found.ports as { port?: number }[] | undefined)?.[0]?.port === port
      )
        return undefined;
      found.endpoints = endpoints;
      found.ports = ports;
      return found;
    },
  });
}
