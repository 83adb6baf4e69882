import { endpointslices, nodes, services } from '../api/gen/resources.ts';
import { cidrContains, formatIp, parseCidr, parseIp } from '../base/cidr.ts';
import type { Component } from '../base/component.ts';
import { KnarrError, messageOf } from '../base/errors.ts';
import { createIpTool } from '../host/ip.ts';
import { createAnswerCache } from './cache.ts';
import { createForwarder } from './forward.ts';
import { createDnsHandler } from './handler.ts';
import type { DnsOptions } from './options.ts';
import { watchNameservers } from './resolv-conf.ts';
import { createDnsServer } from './server.ts';
import { createZone } from './zone.ts';

const byService = 'dns/service';
const byAddress = 'dns/address';
const byClusterIp = 'dns/cluster-ip';
const serviceNameLabel = 'kubernetes.io/service-name';

const canonical = (text: string): string => {
  const ip = parseIp(text);
  return ip === undefined ? text : formatIp(ip);
};

/**
 * The cluster's resolver of one node: answers on the cluster's DNS addresses, which it puts on the loopback interface,
 * so that a pod's question never leaves its node. Starts to answer when it knows all services.
 */
export function createDns(options: DnsOptions): Component {
  const { informers, clusterDns, log, port = 53, manageAddresses = true, resolvConf = '/etc/resolv.conf' } = options;
  const ip = createIpTool();
  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointslices);
  const nodeInformer = informers.informer(nodes);
  const cidrs = [...options.serviceCidrs, ...options.clusterCidrs].flatMap((cidr) => parseCidr(cidr) ?? []);
  const addresses = clusterDns.map(canonical);

  const zone = createZone({
    zone: options.clusterDomain.toLowerCase().replace(/\.$/, ''),
    nameservers: addresses,
    now: Date.now,
    isClusterAddress: (text) => {
      const address = parseIp(text);
      return address !== undefined && cidrs.some((cidr) => cidrContains(cidr, address));
    },
    view: {
      service: (namespace, name) => serviceInformer.get(name, namespace),
      slices: (namespace, service) => sliceInformer.byIndex(byService, `${namespace}/${service}`),
      serviceByIp: (address) => serviceInformer.byIndex(byClusterIp, address)[0],
      slicesByIp: (address) => sliceInformer.byIndex(byAddress, address),
      hasNamespace: (namespace) => serviceInformer.byIndex('namespace', namespace).length > 0,
    },
  });
  const nameservers = watchNameservers({ path: resolvConf, exclude: addresses, log });
  const { forward } = createForwarder({
    servers: () => nameservers.list,
    cache: createAnswerCache({ now: Date.now }),
  });
  const server = createDnsServer({
    addresses,
    port,
    log,
    handle: createDnsHandler({
      zone,
      forward,
      nodeAddresses: (name) => {
        const found = nodeInformer.get(name)?.status?.addresses?.filter((a) => a.type === 'InternalIP');
        return found === undefined || found.length === 0 ? undefined : found.map((a) => a.address);
      },
    }),
  });
  const prefix = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

  /** Of host scope, or already deprecated: the kernel never takes them as the source of what goes out. */
  const addAddresses = (): Promise<void> =>
    ip.batch(
      addresses.map((address) => {
        const how = address.includes(':') ? ['nodad', 'preferred_lft', '0'] : ['scope', 'host'];
        return ['addr', 'replace', prefix(address), 'dev', 'lo', ...how];
      }),
    );

  return {
    name: 'dns',
    async start() {
      sliceInformer.addIndex(byService, (s) => [
        `${s.metadata.namespace}/${s.metadata.labels?.[serviceNameLabel] ?? ''}`,
      ]);
      sliceInformer.addIndex(byAddress, (s) => [...new Set(s.endpoints?.flatMap((e) => e.addresses) ?? [])]);
      serviceInformer.addIndex(byClusterIp, (s) => s.spec?.clusterIPs ?? (s.spec?.clusterIP ? [s.spec.clusterIP] : []));
      await Promise.all([serviceInformer.synced, sliceInformer.synced, nodeInformer.synced]);
      if (manageAddresses) await addAddresses();
      await nameservers.start();
      try {
        await server.start();
      } catch (error) {
        throw new KnarrError({
          code: 'dns-listen',
          blame: 'world',
          message: `The cluster's DNS address cannot be listened on (is another resolver on port ${port}?): ${messageOf(error)}`,
          cause: error,
        });
      }
    },
    async stop() {
      nameservers.stop();
      await server.stop();
      if (!manageAddresses) return;
      for (const address of addresses) await ip.batch([['addr', 'del', prefix(address), 'dev', 'lo']]).catch(() => {}); // it was not there
    },
  };
}
