import type { EndpointAddress, EndpointSubset, Endpoints } from '../../api/gen/core-v1.ts';
import type { Endpoint, EndpointPort } from '../../api/gen/discovery-v1.ts';
import { type EndpointGroup, portsKey } from '../endpointslice/desired.ts';
import { familyOf } from '../endpointslice/service-ports.ts';

/** No more addresses of one subset are mirrored. */
const perSubset = 1000;

const endpointOf = (address: EndpointAddress, ready: boolean): Endpoint => ({
  addresses: [address.ip],
  conditions: { ready },
  ...(address.hostname ? { hostname: address.hostname } : {}),
  ...(address.nodeName ? { nodeName: address.nodeName } : {}),
  ...(address.targetRef ? { targetRef: address.targetRef } : {}),
});

const portsOf = (subset: EndpointSubset): EndpointPort[] =>
  (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol ? { appProtocol } : {}),
  }));

/** What the slices that mirror hand-made Endpoints should hold. */
export function mirroredGroups(endpoints: Endpoints): EndpointGroup[] {
  const groups = new Map<string, EndpointGroup>();
  for (const subset of endpoints.subsets ?? []) {
    const ports = portsOf(subset);
    const all = [
      ...(subset.addresses ?? []).map((a) => ({ address: a, ready: true })),
      ...(subset.notReadyAddresses ?? []).map((a) => ({ address: a, ready: false })),
    ];
    for (const { address, ready } of all.slice(0, perSubset)) {
      const addressType = familyOf(address.ip);
      const key = portsKey(addressType, ports);
      const group = groups.get(key) ?? { key, addressType, ports, endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(endpointOf(address, ready));
    }
  }
  return [...groups.values()];
}
