import type { Node, Pod, Service } from '../../api/gen/core-v1.ts';
import type { Endpoint, EndpointPort } from '../../api/gen/discovery-v1.ts';
import { isReady, isTerminal } from '../runtime/pods.ts';
import { addressOf, familiesOf, isHeadless, targetPort } from './service-ports.ts';

/** Endpoints that share an address type and a set of ports; `key` names the pair. */
export interface EndpointGroup {
  readonly key: string;
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

function portsFor(service: Service, pod: Pod): EndpointPort[] {
  const ports = service.spec?.ports ?? [];
  if (ports.length === 0 && isHeadless(service)) return [];
  return ports.flatMap((port) => {
    const number = targetPort(pod, port);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ name, port: number, protocol, ...(appProtocol ? { appProtocol } : {}) }];
  });
}

export function endpointOf(pod: Pod, service: Service, address: string, node: Node | undefined): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = Boolean(service.spec?.publishNotReadyAddresses) || (serving && !terminating);
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname && subdomain === service.metadata.name && namespace === service.metadata.namespace
      ? { hostname }
      : {}),
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone ? { zone } : {}),
  };
}

export const portsKey = (addressType: string, ports: readonly EndpointPort[] | undefined): string =>
  `${addressType} ${(ports ?? [])
    .map((p) => `${p.name ?? ''}/${p.port ?? ''}/${p.protocol ?? 'TCP'}/${p.appProtocol ?? ''}`)
    .sort()
    .join(' ')}`;

/** What the slices of a service should hold, every address type at least once. */
export function desiredGroups(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): EndpointGroup[] {
  const groups = new Map<string, EndpointGroup>();
  for (const addressType of familiesOf(service)) {
    let any = false;
    for (const pod of pods) {
      const address = addressOf(pod, addressType);
      if (isTerminal(pod) || address === undefined) continue;
      const ports = portsFor(service, pod);
      const key = portsKey(addressType, ports);
      const group = groups.get(key) ?? { key, addressType, ports, endpoints: [] };
      group.endpoints.push(endpointOf(pod, service, address, nodeOf(pod.spec?.nodeName ?? '')));
      groups.set(key, group);
      any = true;
    }
    if (!any) {
      const key = portsKey(addressType, undefined);
      groups.set(key, { key, addressType, ports: [], endpoints: [] });
    }
  }
  return [...groups.values()];
}
