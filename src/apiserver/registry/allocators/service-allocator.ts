import type { Service } from '../../../api/gen/core-v1.ts';
import { internalError } from '../../../api/status.ts';
import { type Cidr, ipFamily, parseCidr } from '../../../base/cidr.ts';
import type { AllocatorMetrics } from '../../metrics/allocators.ts';
import type { Registry, StrategyContext } from '../types.ts';
import { createAddressPool } from './address-pool.ts';
import { dryAddresses, dryPorts } from './dry-run.ts';
import { initFamilies } from './ip-families.ts';
import { allocatePorts } from './node-ports.ts';
import { createPortPool, type PortPool, type PortTaker } from './port-pool.ts';
import { invalidValue, refuse } from './refusal.ts';
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
} from './service-shape.ts';

export interface Allocation {
  /** Addresses that are new with this write, and those that are free once it stands. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  commit(): void;
  revert(): void;
}

export type AllocationContext = Pick<StrategyContext, 'registry' | 'dryRun'>;

/** Gives Services their cluster addresses and node ports; each at most once. */
export interface ServiceAllocator {
  /** Fills in the Service. Throws ApiError when what is asked for cannot be had; then nothing is taken. */
  allocate(service: Service, old: Readonly<Service> | undefined, context: AllocationContext): Allocation;
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
    allocate(service, old, { registry, dryRun }) {
      learn(registry);
      const taker = dryRun ? dryAddresses : addresses;
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
        const address = asked === '' ? taker.takeAny(usable) : asked;
        if (address === undefined) {
          const why = 'range is full';
          throw internalError(
            `failed to allocate a serviceIP for Service ${JSON.stringify(service.metadata.name)}: ${why}`,
          );
        }
        const refused = asked === '' ? undefined : taker.take(asked, usable);
        if (refused) {
          const why = `failed to allocate IP ${asked}: ${refused}`;
          refuse(service, [invalidValue('spec.clusterIPs', spec.clusterIPs ?? [], why)]);
        }
        undo.push(() => taker.release(address));
        return address;
      };
      try {
        const added = allocateAddresses(spec, before, takeAddress);
        allocatePorts(service, spec, before, dryRun ? dryPorts(ports) : noting(ports, undo));
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

/** A pool of which what is taken is given back by `undo`. */
const noting = (pool: PortPool, undo: (() => void)[]): PortTaker => ({
  take(port) {
    const refused = pool.take(port);
    if (!refused) undo.push(() => pool.release(port));
    return refused;
  },
  takeAny() {
    const port = pool.takeAny();
    if (port !== undefined) undo.push(() => pool.release(port));
    return port;
  },
});

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
