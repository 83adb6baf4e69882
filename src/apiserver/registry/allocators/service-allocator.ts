import { isIP } from 'node:net';
import type { Service } from '../../../api/gen/core-v1.ts';
import type { StatusCause } from '../../../api/gen/meta-v1.ts';
import { internalError, invalid } from '../../../api/status.ts';
import { type Cidr, ipFamily, parseCidr } from '../../../base/cidr.ts';
import type { AllocatorMetrics } from '../../metrics/allocators.ts';
import type { Registry } from '../types.ts';
import { createAddressPool } from './address-pool.ts';
import { initFamilies } from './ip-families.ts';
import { createPortPool } from './port-pool.ts';
import {
  hasNodePorts,
  isHeadless,
  needsClusterIp,
  needsHealthPort,
  nodePortsOf,
  normalizeClusterIps,
  patchAllocated,
  type Spec,
  specOf,
  wantsNodePorts,
} from './service-shape.ts';

export interface Allocation {
  /** Addresses that are new with this write, and those that are free once it stands. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  commit(): void;
  revert(): void;
}

/** Gives Services their cluster addresses and node ports; each at most once. */
export interface ServiceAllocator {
  /** Fills in the Service. Throws ApiError when what is asked for cannot be had; then nothing is taken. */
  allocate(service: Service, old: Readonly<Service> | undefined, registry: Registry): Allocation;
  /** Everything that a deleted Service had; gives its addresses. */
  release(service: Readonly<Service>): string[];
}

export function createServiceAllocator(options: {
  cidrs: readonly string[];
  nodePorts: { from: number; to: number };
  metrics?: AllocatorMetrics | undefined;
}): ServiceAllocator {
  const own = options.cidrs.flatMap((text) => parseCidr(text) ?? []);
  const addresses = createAddressPool(options.metrics);
  const ports = createPortPool(options.nodePorts, options.metrics);
  let known = false;

  /** What existing Services have, learnt when first needed: the registry has read everything by then. */
  const learn = (registry: Registry): void => {
    if (known) return;
    known = true;
    const list = registry.store('', 'services').list({});
    if (list instanceof Promise) throw internalError('services are not read yet');
    const networks = [...own, ...otherNetworks(registry, own)];
    for (const { object } of list.items) {
      const spec = specOf(object as unknown as Service);
      for (const address of addressesOf(spec)) addresses.mark(address, networks);
      for (const port of portsOf(spec)) ports.mark(port);
    }
    options.metrics?.follow({ addresses: () => addresses.usage(own), ports: () => ports.usage() });
  };

  return {
    allocate(service, old, registry) {
      learn(registry);
      service.spec ??= {};
      const { spec } = service;
      const before = old && specOf(old);
      if (before) patchAllocated(spec, before);
      normalizeClusterIps(spec, before);
      const networks = [...own, ...otherNetworks(registry, own)];
      const families = [...new Set(own.map((n) => (n.family === 4 ? 'IPv4' : 'IPv6')))];
      refuse(service, initFamilies(spec, before, families));
      const undo: (() => void)[] = [];
      const takeAddress = (family: string, asked: string): string => {
        const usable = networks.filter((n) => (n.family === 4 ? 'IPv4' : 'IPv6') === family);
        const address = asked === '' ? addresses.takeAny(usable) : asked;
        if (address === undefined) {
          const why = 'range is full';
          throw internalError(
            `failed to allocate a serviceIP for Service ${JSON.stringify(service.metadata.name)}: ${why}`,
          );
        }
        const refused = asked === '' ? undefined : addresses.take(asked, usable);
        // What is no address at all is for the validation to say.
        if (refused && isIP(asked) === 0) return asked;
        if (refused) {
          const value = JSON.stringify(spec.clusterIPs ?? []);
          const message = `Invalid value: ${value}: failed to allocate IP ${asked}: ${refused}`;
          refuse(service, [{ reason: 'FieldValueInvalid', field: 'spec.clusterIPs', message }]);
        }
        undo.push(() => addresses.release(address));
        return address;
      };
      try {
        const added = allocateAddresses(spec, before, takeAddress);
        allocatePorts(service, spec, before, ports, undo);
        const nowAddresses = new Set(needsClusterIp(spec) ? addressesOf(spec) : []);
        const removed = (before ? addressesOf(before) : []).filter((address) => !nowAddresses.has(address));
        const nowPorts = new Set(keptPorts(spec));
        const freedPorts = (before ? portsOf(before) : []).filter((port) => !nowPorts.has(port));
        return {
          added,
          removed,
          commit() {
            for (const address of removed) addresses.release(address);
            for (const port of freedPorts) ports.release(port);
          },
          revert() {
            for (const back of undo) back();
          },
        };
      } catch (error) {
        for (const back of undo) back();
        throw error;
      }
    },
    release(service) {
      const spec = specOf(service);
      const freed = addressesOf(spec);
      for (const address of freed) addresses.release(address);
      for (const port of portsOf(spec)) ports.release(port);
      return freed;
    },
  };
}

function refuse(service: Service, causes: StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', causes);
}

/** The networks of ServiceCIDR objects that are ready and not on their way out. */
function otherNetworks(registry: Registry, own: readonly Cidr[]): Cidr[] {
  const list = registry.store('networking.k8s.io', 'servicecidrs').list({});
  if (list instanceof Promise) return [];
  return list.items.flatMap(({ object }) => {
    const { metadata, spec, status } = object as unknown as {
      metadata: { deletionTimestamp?: string };
      spec?: { cidrs?: string[] };
      status?: { conditions?: { type: string; status: string }[] };
    };
    const ready = status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
    if (metadata.deletionTimestamp || !ready) return [];
    const networks = (spec?.cidrs ?? []).flatMap((text) => parseCidr(text) ?? []);
    return networks.filter((n) => !own.some((o) => o.base === n.base && o.prefix === n.prefix));
  });
}

function addressesOf(spec: Readonly<Spec>): string[] {
  const all = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [];
  return all.filter((address) => ipFamily(address) !== undefined);
}

function portsOf(spec: Readonly<Spec>): number[] {
  return [...nodePortsOf(spec), ...(spec.healthCheckNodePort ? [spec.healthCheckNodePort] : [])];
}

/** The ports that the Service keeps when this is written: types without node ports keep none. */
function keptPorts(spec: Readonly<Spec>): number[] {
  return [
    ...(hasNodePorts(spec) ? nodePortsOf(spec) : []),
    ...(needsHealthPort(spec) && spec.healthCheckNodePort ? [spec.healthCheckNodePort] : []),
  ];
}

/** Gives the addresses that were taken now. */
function allocateAddresses(
  spec: Spec,
  before: Readonly<Spec> | undefined,
  take: (family: string, asked: string) => string,
): string[] {
  if (!needsClusterIp(spec) || isHeadless(spec)) return [];
  if (before && needsClusterIp(before) && isHeadless(before)) return [];
  const had = new Set(before && needsClusterIp(before) ? addressesOf(before) : []);
  const added: string[] = [];
  const all = (spec.ipFamilies ?? []).map((family, i) => {
    const asked = spec.clusterIPs?.[i] ?? '';
    if (asked !== '' && had.has(asked)) return asked;
    // The first address of a Service never changes; validation says so.
    if (before && i === 0 && had.size > 0 && asked !== '') return asked;
    const address = take(family, asked);
    added.push(address);
    return address;
  });
  spec.clusterIPs = all;
  if (all[0] !== undefined) spec.clusterIP = all[0];
  return added;
}

function allocatePorts(
  service: Service,
  spec: Spec,
  before: Readonly<Spec> | undefined,
  pool: ReturnType<typeof createPortPool>,
  undo: (() => void)[],
): void {
  const had = new Set(before ? portsOf(before) : []);
  const taken = new Map<number, number>();
  const takeAny = (what: string): number => {
    const port = pool.takeAny();
    if (port === undefined) throw internalError(`failed to allocate a ${what}: range is full`);
    undo.push(() => pool.release(port));
    return port;
  };
  const takeThis = (port: number): string | undefined => {
    const refused = pool.take(port);
    if (!refused) undo.push(() => pool.release(port));
    return refused;
  };
  const asked = new Set<number>();
  if (hasNodePorts(spec)) {
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort) continue;
      if (!had.has(port.nodePort) && !asked.has(port.nodePort)) {
        const refused = takeThis(port.nodePort);
        if (refused) {
          const message = `Invalid value: ${port.nodePort}: ${refused}`;
          refuse(service, [{ reason: 'FieldValueInvalid', field: `spec.ports[${i}].nodePort`, message }]);
        }
      }
      asked.add(port.nodePort);
      // One port number under several protocols shares its node port.
      if (!before) taken.set(port.port, port.nodePort);
    }
    for (const port of wantsNodePorts(spec) ? (spec.ports ?? []) : []) {
      port.nodePort ||= taken.get(port.port) ?? takeAny('nodePort');
      if (!before) taken.set(port.port, port.nodePort);
    }
  }
  if (!needsHealthPort(spec)) return;
  if (!spec.healthCheckNodePort) spec.healthCheckNodePort = takeAny('HealthCheck NodePort 0');
  else if (!had.has(spec.healthCheckNodePort)) {
    const refused = takeThis(spec.healthCheckNodePort);
    if (refused) {
      throw internalError(`failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${refused}`);
    }
  }
}
