import { type Cidr, cidrContains, formatCidr, parseCidr, parseIp } from '../../base/cidr.ts';

/** Equal pieces of one network, handed out one by one. */
export interface CidrPool {
  readonly family: 4 | 6;
  /** Marks what is in use already; a network outside the pool is ignored. */
  occupy(cidr: string): void;
  /** The next free piece, or undefined when all are taken. */
  take(): string | undefined;
  release(cidr: string): void;
}

/** At most so many pieces are kept track of, as upstream. */
const mostBits = 16;

export function createCidrPool(network: string, piecePrefix: number): CidrPool {
  const cluster = parseCidr(network);
  if (!cluster) throw new Error(`${network} is not a network`);
  const bits = piecePrefix - cluster.prefix;
  if (bits < 0 || bits > mostBits) {
    throw new Error(`nodes cannot get /${piecePrefix} networks out of ${network}: between 1 and 65536 must fit`);
  }
  const size = 1n << BigInt((cluster.family === 4 ? 32 : 128) - piecePrefix);
  const count = 2 ** bits;
  const used = new Set<number>();
  let next = 0;

  const piece = (index: number): string =>
    formatCidr({ ...cluster, prefix: piecePrefix, base: cluster.base + BigInt(index) * size } as Cidr);
  const indexOf = (text: string): number | undefined => {
    const ip = parseIp(text.split('/')[0] ?? '');
    if (!ip || ip.family !== cluster.family || !cidrContains(cluster, ip)) return undefined;
    return Number((ip.value - cluster.base) / size);
  };

  return {
    family: cluster.family,
    occupy(cidr) {
      const index = indexOf(cidr);
      if (index !== undefined) used.add(index);
    },
    take() {
      for (let i = 0; i < count; i++) {
        const index = (next + i) % count;
        if (used.has(index)) continue;
        used.add(index);
        next = (index + 1) % count;
        return piece(index);
      }
      return undefined;
    },
    release(cidr) {
      const index = indexOf(cidr);
      if (index !== undefined) used.delete(index);
    },
  };
}
