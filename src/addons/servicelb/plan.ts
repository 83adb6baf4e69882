import type { Node, Service } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { isNodeReady } from '../../api/node.ts';
import { ipFamily } from '../../base/cidr.ts';

/** K3s's labels: nodes that take part (when any has it, the others do not), and pools that bind services to nodes. */
export const enableLabel = 'svccontroller.k3s.cattle.io/enablelb';
export const poolLabel = 'svccontroller.k3s.cattle.io/lbpool';
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

export interface LoadBalancerInput {
  services: readonly Service[];
  nodes: readonly Node[];
  slicesOf(service: Service): readonly EndpointSlice[];
}

/** A LoadBalancer service that no other controller was asked for by a class. */
export const isOurs = (service: Service): boolean =>
  service.spec?.type === 'LoadBalancer' &&
  service.spec.loadBalancerClass === undefined &&
  service.metadata.deletionTimestamp === undefined;

const keyOf = (service: Service): string => `${service.metadata.namespace}/${service.metadata.name}`;

/** The node's addresses of one family: external ones when it has any, else internal ones. */
function addressesOf(node: Node, family: 4 | 6): string[] {
  const of = (type: string): string[] =>
    (node.status?.addresses ?? [])
      .filter((a) => a.type === type && ipFamily(a.address) === family)
      .map((a) => a.address);
  const external = of('ExternalIP');
  return external.length > 0 ? external : of('InternalIP');
}

function candidates(service: Service, nodes: readonly Node[], slices: readonly EndpointSlice[]): Node[] {
  const chosen = nodes.some((node) => node.metadata.labels?.[enableLabel] !== undefined);
  const pool = service.metadata.labels?.[poolLabel];
  const withEndpoints = new Set(
    slices.flatMap((s) => (s.endpoints ?? []).filter((e) => e.conditions?.ready !== false).map((e) => e.nodeName)),
  );
  return nodes.filter(
    ({ metadata: { name, labels = {} } }) =>
      (!chosen || labels[enableLabel] === 'true') &&
      (pool === undefined || labels[poolLabel] === pool) &&
      labels[excludeLabel] === undefined &&
      (service.spec?.externalTrafficPolicy !== 'Local' || withEndpoints.has(name)),
  );
}

/** Older services come first: what they hold is not taken away by younger ones. */
const byAge = (a: Service, b: Service): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  keyOf(a).localeCompare(keyOf(b));

/**
 * The addresses on which each of our services is served, by `namespace/name`: those of the ready nodes on which all its
 * ports are free. No address means that it is still waiting for one.
 */
export function planLoadBalancers(input: LoadBalancerInput): Map<string, readonly string[]> {
  const ready = input.nodes.filter(isNodeReady);
  const taken = new Set<string>();
  const plan = new Map<string, readonly string[]>();
  for (const service of input.services.filter(isOurs).sort(byAge)) {
    const { ports = [], ipFamilies = ['IPv4'] } = service.spec ?? {};
    const claims = (node: Node): string[] => ports.map((p) => `${node.metadata.name} ${p.protocol ?? 'TCP'} ${p.port}`);
    const free = candidates(service, ready, input.slicesOf(service)).filter((node) =>
      claims(node).every((claim) => !taken.has(claim)),
    );
    for (const claim of free.flatMap(claims)) taken.add(claim);
    const families = ipFamilies.map((family) => (family === 'IPv6' ? 6 : 4));
    plan.set(
      keyOf(service),
      families.flatMap((family) => free.flatMap((node) => addressesOf(node, family)).sort()),
    );
  }
  return plan;
}
