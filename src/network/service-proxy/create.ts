import type { Node, Service } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { endpointslices, nodes, services } from '../../api/gen/resources.ts';
import { delay } from '../../base/abort.ts';
import { formatCidr, ipFamily, parseCidr } from '../../base/cidr.ts';
import type { Component } from '../../base/component.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import { run } from '../../base/run.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { createIpTool } from '../../host/ip.ts';
import { createNftTable, type NftTable } from '../../host/nft.ts';
import { hostTimeoutMs, type Runner } from '../../host/tools.ts';
import { baseRules, words } from './base-rules.ts';
import { staleFlows } from './conntrack.ts';
import { createHealthServers, type ServiceHealth } from './health.ts';
import { nodePortAddresses } from './node-port-addresses.ts';
import type { ServiceProxyOptions } from './options.ts';
import { proxyServices } from './service-ports.ts';
import { ensureServiceRoutes } from './service-route.ts';
import { type Destination, type NodeView, serviceRules } from './service-rules.ts';

const serviceNameLabel = 'kubernetes.io/service-name';
const zoneLabel = 'topology.kubernetes.io/zone';
const leavingTaint = 'ToBeDeletedByClusterAutoscaler';
/** Changes that come within this time of the last transaction wait and go together. */
const pauseMs = 50;
/** A change that has waited this long makes the proxy unhealthy. */
const unhealthyAfterMs = 60_000;
const retryMs = 5_000;

interface Known {
  destinations: Partial<Record<4 | 6, readonly Destination[]>>;
  health: ServiceHealth | undefined;
}

/**
 * Keeps the kernel's rules for services as the API has them: a change of a service or of its endpoints recomputes that
 * service alone, and only the differences go to the kernel. Rules stay when the component stops.
 */
export function createServiceProxy(options: ServiceProxyOptions & { runner?: Runner }): Component {
  const { informers, nodeName, nodeIps, log, mode = 'nftables', ownAddresses = [], runner = run } = options;
  if (mode !== 'nftables')
    throw new KnarrError({
      code: 'unsupported',
      blame: 'user',
      message: `Set the proxy mode to nftables: ${JSON.stringify(mode)} is not supported`,
    });
  const ofFamily = (family: 4 | 6, cidrs: readonly string[]): string[] =>
    cidrs.filter((cidr) => ipFamily(cidr.split('/')[0] ?? '') === family);
  const familiesOf = new Set(nodeIps.map(ipFamily));
  const families = ([4, 6] as const).filter((family) => familiesOf.has(family));
  const tables = new Map<4 | 6, NftTable>(
    families.map((family) => [
      family,
      createNftTable({ family: words[family].tableFamily, name: 'knarr-proxy', comment: 'services', log, runner }),
    ]),
  );
  const ip = createIpTool({ runner });
  const own = new Set(ownAddresses);
  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointslices);
  const nodeInformer = informers.informer(nodes);
  const bySlice = 'network/service';

  const known = new Map<string, Known>();
  const dirty = new Set<string>();
  const lifetime = new AbortController();
  const undo: (() => void)[] = [];
  let view: NodeView = { nodeName, zone: '', nodeIps, externalIps: [], clusterCidrs: options.clusterCidrs };
  let running: Promise<void> | undefined;
  let waitingSince: number | undefined;
  let lastUpdated = new Date(0);

  const health = createHealthServers({
    address: options.healthzAddress ?? (families.includes(4) ? '0.0.0.0' : '::'),
    port: options.healthzPort ?? 10_256,
    log,
    health: () => {
      const node = nodeInformer.get(nodeName);
      const leaving =
        node?.metadata.deletionTimestamp !== undefined || node?.spec?.taints?.some((t) => t.key === leavingTaint);
      return {
        lastUpdated,
        healthy: waitingSince === undefined || Date.now() - waitingSince < unhealthyAfterMs,
        nodeEligible: leaving !== true,
      };
    },
  });

  /** Recomputes one service; gives the UDP flows to forget once the rules are in. */
  const recompute = (key: string): (readonly string[])[] => {
    const { namespace, name } = splitKey(key);
    const service = serviceInformer.get(name, namespace);
    const slices = sliceInformer.byIndex(bySlice, key);
    const old = known.get(key);
    const next: Known = { destinations: {}, health: undefined };
    const flows: (readonly string[])[] = [];
    const parts = service === undefined ? [] : proxyServices(service).filter((p) => !own.has(p.clusterIp));
    for (const family of families) {
      const part = parts.find((p) => p.family === family);
      const rules = part && serviceRules(part, slices, view);
      tables.get(family)?.put(key, rules?.fragment);
      if (rules) next.destinations[family] = rules.destinations;
      flows.push(...staleFlows(family, old?.destinations[family] ?? [], rules?.destinations ?? []));
      if (part?.healthCheckNodePort !== undefined)
        next.health = {
          namespace: part.namespace,
          name: part.name,
          port: part.healthCheckNodePort,
          localEndpoints: (next.health?.localEndpoints ?? 0) + (rules?.localEndpoints.length ?? 0),
        };
    }
    if (parts.length === 0) known.delete(key);
    else known.set(key, next);
    return flows;
  };

  const forgetFlows = async (flows: readonly (readonly string[])[]): Promise<void> => {
    for (const args of flows) {
      try {
        await runner('conntrack', args, { timeoutMs: hostTimeoutMs, okCodes: [0, 1] }); // 1: there was none
      } catch (error) {
        log.warn('stale UDP flows stay', { error: messageOf(error) });
        return;
      }
    }
  };

  const syncOnce = async (): Promise<void> => {
    const keys = [...dirty];
    dirty.clear();
    const flows = keys.flatMap(recompute);
    try {
      await Promise.all([...tables.values()].map((table) => table.sync()));
    } catch (error) {
      for (const key of keys) dirty.add(key);
      throw error;
    }
    health.setServices([...known.values()].flatMap((k) => k.health ?? []));
    lastUpdated = new Date();
    if (dirty.size === 0) waitingSince = undefined;
    await forgetFlows(flows);
  };

  const loop = async (): Promise<void> => {
    while (dirty.size > 0 && !lifetime.signal.aborted) {
      try {
        await syncOnce();
        await delay(pauseMs, lifetime.signal);
      } catch (error) {
        log.error('the rules for services could not be written', { error: messageOf(error) });
        await delay(retryMs, lifetime.signal);
      }
    }
    running = undefined;
  };

  const mark = (key: string): void => {
    dirty.add(key);
    waitingSince ??= Date.now();
    running ??= Promise.resolve().then(loop);
  };
  const markAll = (): void => {
    for (const service of serviceInformer.list()) mark(keyOf(service));
  };
  const sliceKey = (slice: EndpointSlice): string =>
    `${slice.metadata.namespace}/${slice.metadata.labels?.[serviceNameLabel] ?? ''}`;
  const markSlice = (slice: EndpointSlice): void => {
    const key = sliceKey(slice);
    const { namespace, name } = splitKey(key);
    if (serviceInformer.get(name, namespace) !== undefined) mark(key);
  };
  const onNode = (node: Node): void => {
    if (node.metadata.name !== nodeName) return;
    const zone = node.metadata.labels?.[zoneLabel] ?? '';
    const externalIps = (node.status?.addresses ?? []).filter((a) => a.type === 'ExternalIP').map((a) => a.address);
    if (zone === view.zone && externalIps.join() === view.externalIps.join()) return;
    view = { ...view, zone, externalIps };
    markAll();
  };

  return {
    name: 'service-proxy',
    async start() {
      sliceInformer.addIndex(bySlice, (slice) => [sliceKey(slice)]);
      await Promise.all([serviceInformer.synced, sliceInformer.synced, nodeInformer.synced]);
      const serviceCidrs = options.serviceCidrs.map((cidr) => {
        const parsed = parseCidr(cidr);
        if (!parsed) throw new KnarrError({ code: 'bad-cidr', blame: 'user', message: `Not a network: ${cidr}` });
        return formatCidr(parsed);
      });
      for (const family of families) {
        const answering = options.nodePortCidrs && (await nodePortAddresses(ip, family, options.nodePortCidrs));
        tables.get(family)?.put(
          'base',
          baseRules({
            family,
            clusterCidrs: ofFamily(family, options.clusterCidrs),
            serviceCidrs: ofFamily(family, serviceCidrs),
            ownAddresses: ofFamily(family, ownAddresses),
            nodePortAddresses: answering,
          }),
        );
      }
      const serviceHandler = (service: Service): void => mark(keyOf(service));
      onNode(nodeInformer.get(nodeName) ?? { metadata: {} });
      for (const service of serviceInformer.list()) dirty.add(keyOf(service));
      await Promise.all([syncOnce(), ensureServiceRoutes({ ip, serviceCidrs, nodeIps, log }), health.start()]);
      undo.push(
        serviceInformer.addHandler({ add: serviceHandler, update: serviceHandler, delete: serviceHandler }),
        sliceInformer.addHandler({
          add: markSlice,
          update: (slice, old) => {
            markSlice(slice);
            if (sliceKey(old) !== sliceKey(slice)) markSlice(old);
          },
          delete: markSlice,
        }),
        nodeInformer.addHandler({ add: onNode, update: onNode }),
      );
    },
    async stop() {
      for (const off of undo.splice(0)) off();
      lifetime.abort();
      await running;
      for (const table of tables.values()) table.close();
      await health.stop();
    },
  };
}
