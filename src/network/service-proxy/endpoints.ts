import type { Endpoint, EndpointSlice } from '../../api/gen/discovery-v1.ts';

/** One address and port that a service's traffic may go to. */
export interface ProxyEndpoint {
  ip: string;
  port: number;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  /** Runs on this node. */
  local: boolean;
  nodeHints: readonly string[];
  zoneHints: readonly string[];
}

const families: Readonly<Record<string, 4 | 6>> = { IPv4: 4, IPv6: 6 };

function endpointOf(endpoint: Endpoint, ip: string, port: number, nodeName: string): ProxyEndpoint {
  const { ready, serving, terminating } = endpoint.conditions ?? {};
  const isReady = ready ?? true;
  return {
    ip,
    port,
    ready: isReady,
    serving: serving ?? isReady,
    terminating: terminating ?? false,
    local: endpoint.nodeName === nodeName,
    nodeHints: (endpoint.hints?.forNodes ?? []).map((hint) => hint.name),
    zoneHints: (endpoint.hints?.forZones ?? []).map((hint) => hint.name),
  };
}

const better = (a: ProxyEndpoint, b: ProxyEndpoint): boolean => a.ready && !b.ready;

/**
 * The endpoints of one port of a service, in a stable order. While a pod moves from one slice to another it may be in
 * both: each address and port counts once, the ready one first.
 */
export function endpointsOfPort(
  slices: readonly EndpointSlice[],
  port: { name?: string | undefined; protocol?: string | undefined },
  family: 4 | 6,
  nodeName: string,
): ProxyEndpoint[] {
  const found = new Map<string, ProxyEndpoint>();
  for (const slice of slices) {
    if (families[slice.addressType] !== family) continue;
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? '') !== (port.name ?? '')) continue;
      if ((slicePort.protocol ?? 'TCP') !== (port.protocol ?? 'TCP') || slicePort.port === undefined) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses[0];
        if (ip === undefined) continue;
        const made = endpointOf(endpoint, ip, slicePort.port, nodeName);
        const key = `${ip} ${slicePort.port}`;
        const known = found.get(key);
        if (known === undefined || better(made, known)) found.set(key, made);
      }
    }
  }
  return [...found.keys()].sort().map((key) => found.get(key) as ProxyEndpoint);
}
