import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { cidrContains, formatCidr, ipFamily, parseCidr, parseIp } from '../../base/cidr.ts';
import type { NftChain, NftFragment, NftSet } from '../../host/nft.ts';
import { markForMasquerade, words } from './base-rules.ts';
import { endpointsOfPort, type ProxyEndpoint } from './endpoints.ts';
import { endpointId, portId } from './names.ts';
import type { ProxyService } from './service-ports.ts';
import { type Choice, chooseEndpoints } from './topology.ts';

/** What the rules of a service depend on besides the service: the node they are for. */
export interface NodeView {
  nodeName: string;
  zone: string;
  nodeIps: readonly string[];
  /** Addresses under which the world knows the node; what is sent to them arrives at `nodeIps`. */
  externalIps: readonly string[];
  clusterCidrs: readonly string[];
}

/** A destination whose connections are translated to `endpoints`; what UDP flows must be forgotten is told from it. */
export interface Destination {
  /** Undefined for a node port. */
  ip: string | undefined;
  port: number;
  protocol: string;
  endpoints: readonly string[];
}

export interface ServiceRules {
  fragment: NftFragment;
  destinations: readonly Destination[];
  /** Distinct addresses of ready endpoints on this node. */
  localEndpoints: readonly string[];
}

interface Builder {
  sets: Record<string, NftSet>;
  chains: Record<string, NftChain>;
  elements: Record<string, Record<string, string>>;
}

const refuseVerdict = 'goto refuse';

function addElement(builder: Builder, set: string, key: string, value = ''): void {
  builder.elements[set] ??= {};
  builder.elements[set][key] = value;
}

const text = (family: 4 | 6, e: ProxyEndpoint): string => (family === 4 ? `${e.ip}:${e.port}` : `[${e.ip}]:${e.port}`);

/** One rule that picks an endpoint at random and translates to it. */
function pickRule(family: 4 | 6, protocol: string, endpoints: readonly ProxyEndpoint[]): string {
  const { ip } = words[family];
  const [only] = endpoints;
  if (endpoints.length === 1 && only) return `meta l4proto ${protocol} dnat to ${text(family, only)}`;
  const choices = endpoints.map((e, i) => `${i} : ${e.ip} . ${e.port}`).join(', ');
  return `meta l4proto ${protocol} dnat ${ip} addr . port to numgen random mod ${endpoints.length} map { ${choices} }`;
}

/** Affinity: a client known to an endpoint's set goes there again, another is given one at random. */
function stickyRules(
  builder: Builder,
  service: ProxyService & { affinitySeconds: number },
  id: string,
  protocol: string,
  endpoints: readonly ProxyEndpoint[],
): string[] {
  const { ip, type } = words[service.family];
  const known = endpoints.map((endpoint) => {
    const name = endpointId(id, endpoint.ip, endpoint.port);
    // The time-out is part of the name: a set's cannot be changed.
    const clients = `clients-${service.affinitySeconds}-${name}`;
    builder.sets[clients] = {
      kind: 'set',
      type,
      flags: ['dynamic', 'timeout'],
      timeoutSeconds: service.affinitySeconds,
    };
    builder.chains[`endpoint-${name}`] = {
      rules: [
        `update @${clients} { ${ip} saddr }`,
        `meta l4proto ${protocol} dnat to ${text(service.family, endpoint)}`,
      ],
    };
    return { clients, chain: `endpoint-${name}` };
  });
  const choices = known.map(({ chain }, i) => `${i} : goto ${chain}`).join(', ');
  return [
    ...known.map(({ clients, chain }) => `${ip} saddr @${clients} goto ${chain}`),
    `numgen random mod ${known.length} vmap { ${choices} }`,
  ];
}

/** How traffic from outside enters: what comes from here is served from the whole cluster whatever the policy says. */
function externalRules(service: ProxyService, view: NodeView, id: string, choice: Choice): string[] {
  if (!service.externalLocal) return [markForMasquerade, `goto cluster-${id}`];
  const { ip } = words[service.family];
  const pods = view.clusterCidrs.filter((cidr) => parseCidr(cidr)?.family === service.family);
  return [
    ...(choice.cluster.length > 0
      ? [
          ...(pods.length > 0 ? [`${ip} saddr { ${pods.join(', ')} } goto cluster-${id}`] : []),
          `fib saddr type local ${markForMasquerade} goto cluster-${id}`,
        ]
      : []),
    ...(choice.local.length > 0 ? [`goto local-${id}`] : []),
  ];
}

/** Only the named sources may come to a load balancer's address, and the node itself when it is one of them. */
function firewallRules(service: ProxyService, view: NodeView): string[] {
  const { ip } = words[service.family];
  const ranges = service.sourceRanges.flatMap((range) => parseCidr(range) ?? []);
  if (ranges.some((range) => range.prefix === 0)) return [];
  const nodeMayCome = view.nodeIps.some((address) => {
    const node = parseIp(address);
    return node !== undefined && ranges.some((range) => cidrContains(range, node));
  });
  const sources = [...ranges.map(formatCidr), ...(nodeMayCome ? service.loadBalancerIps : [])];
  return [`${sources.map((source) => `${ip} saddr != ${source}`).join(' ')} drop`];
}

/** The load-balancer addresses, and the node's own where one of them is the node's outside address. */
function loadBalancerIps(service: ProxyService, view: NodeView): readonly string[] {
  const { loadBalancerIps: ips, family } = service;
  if (!ips.some((ip) => view.externalIps.includes(ip))) return ips;
  return [...new Set([...ips, ...view.nodeIps.filter((ip) => ipFamily(ip) === family)])];
}

export function serviceRules(of: ProxyService, slices: readonly EndpointSlice[], view: NodeView): ServiceRules {
  const service = { ...of, loadBalancerIps: loadBalancerIps(of, view) };
  const { namespace, name, family, clusterIp } = service;
  const builder: Builder = { sets: {}, chains: {}, elements: {} };
  const destinations: Destination[] = [];
  const localEndpoints = new Set<string>();
  addElement(builder, 'cluster-ips', clusterIp);

  for (const port of service.ports) {
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    const id = portId(namespace, name, protocol, port.name ?? '');
    const all = endpointsOfPort(slices, port, family, view.nodeName);
    for (const endpoint of all) if (endpoint.local && endpoint.ready) localEndpoints.add(endpoint.ip);

    const externals = [...service.externalIps, ...service.loadBalancerIps];
    const nodePort = port.nodePort ? port.nodePort : undefined;
    const isExternal = externals.length > 0 || nodePort !== undefined;
    const choice = chooseEndpoints(
      all,
      // Policy Local for outside traffic still needs the others for traffic from pods and from the node itself.
      { usesCluster: !service.internalLocal || isExternal, usesLocal: service.internalLocal || service.externalLocal },
      view,
    );
    for (const endpoint of [...choice.cluster, ...choice.local])
      if (endpoint.local)
        addElement(builder, 'hairpins', `${endpoint.ip} . ${endpoint.ip} . ${protocol} . ${endpoint.port}`);

    const policyChain = (policy: 'cluster' | 'local', endpoints: readonly ProxyEndpoint[]): void => {
      if (endpoints.length === 0) return;
      const { affinitySeconds } = service;
      builder.chains[`${policy}-${id}`] = {
        rules:
          affinitySeconds === undefined
            ? [pickRule(family, protocol, endpoints)]
            : stickyRules(builder, { ...service, affinitySeconds }, id, protocol, endpoints),
      };
    };
    policyChain('cluster', choice.cluster);
    policyChain('local', choice.local);

    const inside = service.internalLocal ? choice.local : choice.cluster;
    const outside = service.externalLocal ? choice.local : choice.cluster;
    const verdict = choice.any ? 'drop' : refuseVerdict;
    const note = (ip: string | undefined, at: number, endpoints: readonly ProxyEndpoint[]): void => {
      destinations.push({ ip, port: at, protocol, endpoints: endpoints.map((e) => e.ip) });
    };

    const inner = `${clusterIp} . ${protocol} . ${port.port}`;
    if (inside.length > 0)
      addElement(builder, 'service-ips', inner, `goto ${service.internalLocal ? 'local' : 'cluster'}-${id}`);
    else addElement(builder, 'no-endpoint-services', inner, verdict);
    note(clusterIp, port.port, inside);

    if (!isExternal) continue;
    if (choice.any) builder.chains[`external-${id}`] = { rules: externalRules(service, view, id, choice) };
    for (const external of externals) {
      const key = `${external} . ${protocol} . ${port.port}`;
      if (choice.any) addElement(builder, 'service-ips', key, `goto external-${id}`);
      if (outside.length === 0) addElement(builder, 'no-endpoint-services', key, verdict);
      note(external, port.port, [...choice.cluster, ...choice.local]);
    }
    if (nodePort !== undefined) {
      const key = `${protocol} . ${nodePort}`;
      if (choice.any) addElement(builder, 'service-node-ports', key, `goto external-${id}`);
      if (outside.length === 0) addElement(builder, 'no-endpoint-node-ports', key, verdict);
      note(undefined, nodePort, [...choice.cluster, ...choice.local]);
    }
    if (service.sourceRanges.length > 0 && service.loadBalancerIps.length > 0) {
      builder.chains[`firewall-${id}`] = { rules: firewallRules(service, view) };
      for (const address of service.loadBalancerIps)
        addElement(builder, 'firewalled-ips', `${address} . ${protocol} . ${port.port}`, `goto firewall-${id}`);
    }
  }
  return { fragment: builder, destinations, localEndpoints: [...localEndpoints] };
}
