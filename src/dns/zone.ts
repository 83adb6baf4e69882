import type { Service, ServicePort } from '../api/gen/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../api/gen/discovery-v1.ts';
import { formatIp, ipFamily, parseIp } from '../base/cidr.ts';
import { type ClusterName, readClusterName, readReverseName } from './cluster-names.ts';
import { type RecordData, type Reply, type ResourceRecord, rcodes, types } from './message.ts';

/** The cluster as the zone sees it: lookups, so that nothing is kept twice. */
export interface ClusterView {
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  /** The service with this cluster address. */
  serviceByIp(ip: string): Service | undefined;
  /** Slices with this endpoint address. */
  slicesByIp(ip: string): readonly EndpointSlice[];
  hasNamespace(namespace: string): boolean;
}

export interface ZoneOptions {
  /** Lower case, without the last dot. */
  zone: string;
  /** The resolver's own addresses. */
  nameservers: readonly string[];
  /** Whether an address is the cluster's: reverse names of these are never asked for elsewhere. */
  isClusterAddress(ip: string): boolean;
  view: ClusterView;
  now(): number;
}

/** Records that a name has, or that what it stands for is elsewhere. */
export type ZoneAnswer =
  | { kind: 'reply'; reply: Reply }
  /** A service that is another name for something outside: the answer begins with the CNAME. */
  | { kind: 'alias'; reply: Reply; target: string }
  /** Not ours. */
  | { kind: 'elsewhere' };

/** Seconds; the same as the resolver that K3s packs. */
export const clusterTtl = 5;

export function v6Bytes(text: string): Uint8Array {
  const value = parseIp(text)?.value ?? 0n;
  return Uint8Array.from({ length: 16 }, (_, i) => Number((value >> BigInt((15 - i) * 8)) & 0xffn));
}

const addressData = (ip: string): RecordData =>
  ip.includes(':') ? { type: 'AAAA', address: v6Bytes(ip) } : { type: 'A', address: ip };

const isHeadless = (service: Service): boolean => service.spec?.clusterIP === 'None';

const clusterIpsOf = (service: Service): readonly string[] =>
  service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : []);

const endpointName = (endpoint: Endpoint, ip: string): string =>
  endpoint.hostname ? endpoint.hostname.toLowerCase() : ip.replaceAll(/[.:]/g, '-');

interface NamedEndpoint {
  ip: string;
  hostname: string;
  slice: EndpointSlice;
}

function readyEndpoints(slices: readonly EndpointSlice[]): NamedEndpoint[] {
  const found = new Map<string, NamedEndpoint>();
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue;
      for (const ip of endpoint.addresses) {
        const hostname = endpointName(endpoint, ip);
        found.set(`${hostname} ${ip}`, { ip, hostname, slice });
      }
    }
  }
  return [...found.values()];
}

export function createZone(options: ZoneOptions): {
  answer(name: string, type: number): ZoneAnswer;
} {
  const { zone, nameservers, view, now, isClusterAddress } = options;
  const nameserverName = `ns.dns.${zone}`;
  const record = (owner: string, data: RecordData): ResourceRecord => ({ owner, ttl: clusterTtl, ...data });
  const soa = (): ResourceRecord =>
    record(zone, {
      type: 'SOA',
      mname: nameserverName,
      rname: `hostmaster.${zone}`,
      serial: Math.floor(now() / 1000),
      minimum: clusterTtl,
    });
  const reply = (rcode: number, answers: ResourceRecord[], additionals: ResourceRecord[] = []): ZoneAnswer => ({
    kind: 'reply',
    reply: { rcode, authoritative: true, answers, authorities: answers.length === 0 ? [soa()] : [], additionals },
  });
  /** A name that exists; of its records those that were asked for. */
  const exists = (type: number, records: ResourceRecord[], additionals: ResourceRecord[] = []): ZoneAnswer =>
    reply(
      rcodes.NOERROR,
      records.filter((r) => type === types.ANY || types[r.type] === type),
      type === types.SRV ? additionals : [],
    );
  const absent = (): ZoneAnswer => reply(rcodes.NXDOMAIN, []);

  const matches = (port: { name?: string | undefined; protocol?: string | undefined }, of: ClusterName): boolean =>
    of.kind !== 'port' ||
    ((port.name ?? '').toLowerCase() === of.port && (port.protocol ?? 'TCP').toLowerCase() === of.protocol);

  const srv = (owner: string, targets: { target: string; port: number }[]): ResourceRecord[] => {
    const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
    return targets.map(({ target, port }) => record(owner, { type: 'SRV', priority: 0, weight, port, target }));
  };

  const ofClusterIp = (name: string, type: number, at: ClusterName, service: Service): ZoneAnswer => {
    const { namespace, name: serviceName } = service.metadata;
    const target = `${serviceName}.${namespace}.svc.${zone}`;
    const ports = (service.spec?.ports ?? []).filter((port: ServicePort) => matches(port, at));
    if (at.kind === 'port' && ports.length === 0) return absent();
    const addresses = clusterIpsOf(service).map((ip) => record(target, addressData(ip)));
    const srvs = srv(
      name,
      ports.map(({ port }) => ({ target, port })),
    );
    return exists(type, at.kind === 'service' ? [...addresses, ...srvs] : srvs, addresses);
  };

  const ofHeadless = (name: string, type: number, at: ClusterName, service: Service): ZoneAnswer => {
    const { namespace = '', name: serviceName = '' } = service.metadata;
    const base = `${serviceName}.${namespace}.svc.${zone}`;
    const all = readyEndpoints(view.slices(namespace, serviceName));
    const chosen = at.kind === 'endpoint' ? all.filter((e) => e.hostname === at.hostname) : all;
    const targets = chosen.flatMap(({ hostname, slice }) =>
      (slice.ports ?? [])
        .filter((port) => matches(port, at))
        .map((port) => ({ target: `${hostname}.${base}`, port: port.port ?? 0 })),
    );
    if (at.kind === 'endpoint' && chosen.length === 0) return absent();
    if (at.kind === 'port' && targets.length === 0) return absent();
    // A service whose endpoints are all gone has no address: that is said as of a name that is not there.
    if (at.kind === 'service' && all.length === 0) return absent();
    const glue = chosen.map(({ ip, hostname }) => record(`${hostname}.${base}`, addressData(ip)));
    const unique = [...new Map(targets.map((t) => [`${t.target} ${t.port}`, t])).values()];
    const addresses = at.kind === 'port' ? [] : chosen.map(({ ip }) => record(name, addressData(ip)));
    return exists(type, [...addresses, ...srv(name, unique)], glue);
  };

  const ofService = (
    name: string,
    type: number,
    at: ClusterName & { namespace: string; service: string },
  ): ZoneAnswer => {
    const service = view.service(at.namespace, at.service);
    if (service === undefined) return absent();
    if (service.spec?.type === 'ExternalName') {
      if (at.kind !== 'service' || !service.spec.externalName) return absent();
      const target = service.spec.externalName.toLowerCase().replace(/\.$/, '');
      // A name that is an address is one.
      if (ipFamily(target) !== undefined) return exists(type, [record(name, addressData(target))]);
      const cname = reply(rcodes.NOERROR, [record(name, { type: 'CNAME', name: target })]);
      return cname.kind === 'reply' ? { kind: 'alias', reply: cname.reply, target } : cname;
    }
    if (isHeadless(service)) return ofHeadless(name, type, at, service);
    if (at.kind === 'endpoint') return absent();
    return ofClusterIp(name, type, at, service);
  };

  const inZone = (name: string, type: number, at: ClusterName): ZoneAnswer => {
    switch (at.kind) {
      case 'zone':
        return exists(type, [soa(), record(zone, { type: 'NS', name: nameserverName })]);
      case 'version':
        return exists(type, [record(name, { type: 'TXT', text: '1.1.0' })]);
      case 'nameserver':
        return exists(
          type,
          nameservers.map((ip) => record(name, addressData(ip))),
        );
      case 'between':
        return at.namespace === undefined || view.hasNamespace(at.namespace) ? exists(type, []) : absent();
      case 'pod':
        return ipFamily(at.ip) !== undefined ? exists(type, [record(name, addressData(at.ip))]) : absent();
      case 'none':
        return absent();
      default:
        return ofService(name, type, at);
    }
  };

  const reverse = (name: string, type: number, text: string): ZoneAnswer => {
    const parsed = parseIp(text);
    if (parsed === undefined) return { kind: 'elsewhere' };
    const ip = formatIp(parsed);
    const service = view.serviceByIp(ip);
    const names =
      service !== undefined
        ? [`${service.metadata.name}.${service.metadata.namespace}.svc.${zone}`]
        : readyEndpoints(view.slicesByIp(ip))
            .filter((e) => e.ip === ip)
            .flatMap(({ hostname, slice }) => {
              const { namespace = '', labels } = slice.metadata;
              const of = view.service(namespace, labels?.['kubernetes.io/service-name'] ?? '');
              return of && isHeadless(of) ? [`${hostname}.${of.metadata.name}.${namespace}.svc.${zone}`] : [];
            });
    if (names.length > 0)
      return exists(
        type,
        [...new Set(names)].map((to) => record(name, { type: 'PTR', name: to })),
      );
    return isClusterAddress(ip) ? absent() : { kind: 'elsewhere' };
  };

  return {
    answer(name, type) {
      const at = readClusterName(name, zone);
      if (at !== undefined) return inZone(name, type, at);
      const ip = readReverseName(name);
      return ip === undefined ? { kind: 'elsewhere' } : reverse(name, type, ip);
    },
  };
}
