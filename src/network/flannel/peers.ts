import { cidrContains, formatIp, parseCidr, parseIp } from '../../base/cidr.ts';
import type { FdbEntry, Neighbour, Route } from '../../host/ip.ts';
import type { Lease } from './annotations.ts';

/** What the kernel holds on the way to other nodes' pods, in one family. */
export interface Present {
  routes: readonly Route[];
  neighbours: readonly Neighbour[];
  fdb: readonly FdbEntry[];
}

export interface PeerCommands {
  ip: readonly (readonly string[])[];
  bridge: readonly (readonly string[])[];
}

const firstAddress = (cidr: string): string => cidr.split('/')[0] ?? '';
const sameIp = (a: string | undefined, b: string): boolean => {
  const left = parseIp(a ?? '');
  return left !== undefined && formatIp(left) === b;
};

/**
 * VXLAN: for each other node a route to its pods through its address in the overlay, that address's hardware address,
 * and the machine where the hardware address lives. Nothing is learned or asked for on the wire. What is no longer
 * wanted goes first, so that an address that moved to another node is free.
 */
export function vxlanCommands(dev: string, leases: readonly Lease[], present: Present): PeerCommands {
  const ip: string[][] = [];
  const bridge: string[][] = [];
  const usable = leases.filter((lease) => lease.vtepMac !== undefined);
  const byGateway = new Map(usable.map((lease) => [firstAddress(lease.podCidr), lease]));
  const byCidr = new Map(usable.map((lease) => [lease.podCidr, lease]));
  const byMac = new Map(usable.map((lease) => [lease.vtepMac ?? '', lease]));

  for (const route of present.routes)
    if (route.gateway !== undefined && !byCidr.has(route.dst)) ip.push(['route', 'del', route.dst, 'dev', dev]);
  for (const neighbour of present.neighbours)
    if (neighbour.state.includes('PERMANENT') && !byGateway.has(neighbour.dst))
      ip.push(['neigh', 'del', neighbour.dst, 'dev', dev]);
  const heldFdb = present.fdb.filter((entry) => entry.dst !== undefined);
  for (const entry of heldFdb)
    if (!sameIp(entry.dst, byMac.get(entry.mac)?.publicIp ?? ''))
      bridge.push(['fdb', 'del', entry.mac, 'dev', dev, 'dst', entry.dst ?? '', 'self']);

  for (const lease of usable) {
    const gateway = firstAddress(lease.podCidr);
    const mac = lease.vtepMac ?? '';
    if (!heldFdb.some((e) => e.mac === mac && sameIp(e.dst, lease.publicIp)))
      bridge.push(['fdb', 'append', mac, 'dev', dev, 'dst', lease.publicIp, 'self', 'permanent']);
    const neighbour = present.neighbours.find((n) => n.dst === gateway);
    if (neighbour?.lladdr !== mac || !neighbour.state.includes('PERMANENT'))
      ip.push(['neigh', 'replace', gateway, 'lladdr', mac, 'dev', dev, 'nud', 'permanent']);
    const route = present.routes.find((r) => r.dst === lease.podCidr);
    if (route?.gateway !== gateway) ip.push(['route', 'replace', lease.podCidr, 'via', gateway, 'dev', dev, 'onlink']);
  }
  return { ip, bridge };
}

/** host-gw: a route to each other node's pods through that node itself, which must be on the same link. */
export function hostGatewayCommands(
  dev: string,
  leases: readonly Lease[],
  present: Present,
  clusterCidrs: readonly string[],
): PeerCommands {
  const ip: string[][] = [];
  const cluster = clusterCidrs.flatMap((cidr) => parseCidr(cidr) ?? []);
  const wanted = new Map(leases.map((lease) => [lease.podCidr, lease]));
  for (const route of present.routes) {
    const to = parseIp(firstAddress(route.dst));
    const ours = route.gateway !== undefined && to !== undefined && cluster.some((cidr) => cidrContains(cidr, to));
    if (ours && !wanted.has(route.dst)) ip.push(['route', 'del', route.dst, 'dev', dev]);
  }
  for (const lease of leases)
    if (!present.routes.some((route) => route.dst === lease.podCidr && route.gateway === lease.publicIp))
      ip.push(['route', 'replace', lease.podCidr, 'via', lease.publicIp, 'dev', dev]);
  return { ip, bridge: [] };
}
