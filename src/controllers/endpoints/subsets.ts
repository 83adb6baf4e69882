import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from '../../api/gen/core-v1.ts';
import { addressOf, familiesOf, isHeadless, targetPort } from '../endpointslice/service-ports.ts';
import { isReady, isTerminal } from '../runtime/pods.ts';

export const maxAddresses = 1000;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The subsets of a service's Endpoints: addresses that offer the same ports together, everything in a fixed order. */
export function subsetsOf(service: Service, pods: readonly Pod[]): { subsets: EndpointSubset[]; truncated: boolean } {
  const family = familiesOf(service)[0] ?? 'IPv4';
  const groups = new Map<string, EndpointSubset & { ports: EndpointPort[] }>();
  let count = 0;
  let truncated = false;
  for (const pod of pods) {
    const ip = addressOf(pod, family);
    const ready = Boolean(service.spec?.publishNotReadyAddresses) || isReady(pod);
    if (isTerminal(pod) || ip === undefined) continue;
    if (pod.metadata.deletionTimestamp !== undefined && !service.spec?.publishNotReadyAddresses) continue;
    if (!ready && pod.spec?.restartPolicy === 'Never' && pod.status?.phase === 'Failed') continue;
    if (count >= maxAddresses) {
      truncated = true;
      break;
    }
    const ports = (service.spec?.ports ?? []).flatMap((port): EndpointPort[] => {
      const number = targetPort(pod, port);
      if (number === undefined) return [];
      const { name, protocol = 'TCP', appProtocol } = port;
      return [{ ...(name ? { name } : {}), port: number, protocol, ...(appProtocol ? { appProtocol } : {}) }];
    });
    if (ports.length === 0 && !(isHeadless(service) && (service.spec?.ports ?? []).length === 0)) continue;
    count += 1;
    const { hostname, subdomain, nodeName } = pod.spec ?? {};
    const { name, namespace, uid } = pod.metadata;
    const address: EndpointAddress = {
      ip,
      ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
      ...(nodeName ? { nodeName } : {}),
      targetRef: { kind: 'Pod', namespace, name, uid },
    };
    ports.sort((a, b) => compare(a.name ?? '', b.name ?? '') || a.port - b.port);
    const key = ports.map((p) => `${p.name ?? ''}/${p.port}/${p.protocol ?? ''}`).join(' ');
    const group = groups.get(key) ?? { ports };
    groups.set(key, group);
    if (ready) group.addresses = [...(group.addresses ?? []), address];
    else group.notReadyAddresses = [...(group.notReadyAddresses ?? []), address];
  }
  const byIp = (a: EndpointAddress, b: EndpointAddress): number => compare(a.ip, b.ip);
  const subsets = [...groups]
    .sort(([a], [b]) => compare(a, b))
    .map(([, { addresses, notReadyAddresses, ports }]) => ({
      ...(addresses ? { addresses: addresses.toSorted(byIp) } : {}),
      ...(notReadyAddresses ? { notReadyAddresses: notReadyAddresses.toSorted(byIp) } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    }));
  return { subsets, truncated };
}
