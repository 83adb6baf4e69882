import { randomInt } from 'node:crypto';
import { type Cidr, cidrContains, cidrSize, formatCidr, formatIp, parseIp } from '../../../base/cidr.ts';
import type { AllocatorMetrics, Scope, Usage } from '../../metrics/allocators.ts';

export interface AddressTaker {
  /** Undefined when it is taken now; else why it cannot be. `networks`: those that may be used now. */
  take(address: string, networks: readonly Cidr[]): string | undefined;
  takeAny(networks: readonly Cidr[]): string | undefined;
  release(address: string): void;
}

/** Addresses of one family, from networks that may change, given out at most once. */
export interface AddressPool extends AddressTaker {
  /** Known from before: no questions asked. */
  mark(address: string, networks: readonly Cidr[]): void;
  /** What is taken of each of these networks, and of those that anything is taken of. */
  usage(networks: readonly Cidr[]): ReadonlyMap<string, Usage>;
}

/** The lower part is left for those who ask for an address by name. */
function reservedFor(size: bigint): bigint {
  if (size <= 16n) return 0n;
  const part = size / 16n;
  return part < 16n ? 16n : part > 256n ? 256n : part;
}

/** First and last usable address: not the network's own, and for IPv4 not its broadcast address. */
export function usable(network: Cidr): { first: bigint; count: bigint } {
  const outside = network.family === 4 ? 2n : 1n;
  const size = cidrSize(network);
  return { first: network.base + 1n, count: size > outside ? size - outside : 0n };
}

export const outOfRange = (address: string, range: string): string =>
  `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${range}`;

const mostTries = 70_000n;

export function createAddressPool(metrics?: Pick<AllocatorMetrics, 'address'>): AddressPool {
  /** By address, the network that it is of. */
  const taken = new Map<string, Cidr | undefined>();

  const measured = <T>(network: Cidr, scope: Scope, search: () => T, found: (result: T) => boolean): T => {
    const began = performance.now();
    const result = search();
    metrics?.address(formatCidr(network), scope, found(result), performance.now() - began);
    return result;
  };

  const scan = (family: 4 | 6, first: bigint, from: bigint, to: bigint): string | undefined => {
    const end = to - from > mostTries ? from + mostTries : to;
    for (let i = from; i < end; i++) {
      const address = formatIp({ family, value: first + i });
      if (!taken.has(address)) return address;
    }
    return undefined;
  };
  const anyOf = (network: Cidr): string | undefined => {
    const { first, count } = usable(network);
    if (count === 0n) return undefined;
    const low = reservedFor(count);
    const span = count - low;
    const start = low + BigInt(randomInt(Number(span > 1_000_000_000n ? 1_000_000_000n : span)));
    const { family } = network;
    return scan(family, first, start, count) ?? scan(family, first, low, start) ?? scan(family, first, 0n, low);
  };
  return {
    take(address, networks) {
      const ip = parseIp(address);
      const network = ip && networks.find((n) => cidrContains(n, ip));
      if (!ip || !network) return 'the provided network does not match the current range';
      const { first, count } = usable(network);
      if (ip.value < first || ip.value >= first + count) return outOfRange(address, formatCidr(network));
      const text = formatIp(ip);
      const free = measured(network, 'static', () => !taken.has(text), Boolean);
      if (!free) return 'provided IP is already allocated';
      taken.set(text, network);
      return undefined;
    },
    takeAny(networks) {
      for (const network of networks) {
        const address = measured(
          network,
          'dynamic',
          () => anyOf(network),
          (found) => found !== undefined,
        );
        if (address === undefined) continue;
        taken.set(address, network);
        return address;
      }
      return undefined;
    },
    mark(address, networks) {
      const ip = parseIp(address);
      taken.set(address, ip && networks.find((network) => cidrContains(network, ip)));
    },
    release: (address) => void taken.delete(address),
    usage(networks) {
      const counts = new Map(networks.map((network) => [formatCidr(network), { network, taken: 0 }]));
      const byNetwork = Map.groupBy(taken.values(), (network) => network);
      for (const [network, all] of byNetwork) {
        if (!network) continue;
        const name = formatCidr(network);
        const before = counts.get(name)?.taken ?? 0;
        counts.set(name, { network, taken: before + all.length });
      }
      return new Map(
        [...counts].map(([name, one]) => [
          name,
          { taken: one.taken, free: Number(usable(one.network).count) - one.taken },
        ]),
      );
    },
  };
}
