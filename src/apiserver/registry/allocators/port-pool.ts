import { randomInt } from 'node:crypto';
import type { AllocatorMetrics, Usage } from '../../metrics/allocators.ts';

export interface PortTaker {
  /** Undefined when it is taken now; else why it cannot be. */
  take(port: number): string | undefined;
  takeAny(): number | undefined;
}

/** Ports of a range that are given out at most once. */
export interface PortPool extends PortTaker {
  has(port: number): boolean;
  /** Known from before. */
  mark(port: number): void;
  release(port: number): void;
  usage(): Usage;
}

/** The lower part is left for those who ask for a port by number. */
function reservedFor(size: number): number {
  if (size <= 16) return 0;
  return Math.min(128, Math.max(16, Math.floor(size / 32)));
}

export function createPortPool(
  { from, to }: { from: number; to: number },
  metrics?: Pick<AllocatorMetrics, 'port'>,
): PortPool {
  const taken = new Set<number>();
  const size = to - from + 1;
  const low = reservedFor(size);
  const firstFree = (start: number, end: number): number | undefined => {
    for (let port = start; port < end; port++) if (!taken.has(port)) return port;
    return undefined;
  };
  const why = (port: number): string | undefined => {
    if (port < from || port > to)
      return `provided port is not in the valid range. The range of valid ports is ${from}-${to}`;
    return taken.has(port) ? 'provided port is already allocated' : undefined;
  };
  return {
    take(port) {
      const refused = why(port);
      metrics?.port('static', refused === undefined);
      if (refused === undefined) taken.add(port);
      return refused;
    },
    takeAny() {
      const start = from + low + randomInt(size - low);
      const port = firstFree(start, to + 1) ?? firstFree(from + low, start) ?? firstFree(from, from + low);
      metrics?.port('dynamic', port !== undefined);
      if (port !== undefined) taken.add(port);
      return port;
    },
    has: (port) => taken.has(port),
    mark(port) {
      if (port >= from && port <= to) taken.add(port);
    },
    release: (port) => void taken.delete(port),
    usage: () => ({ taken: taken.size, free: size - taken.size }),
  };
}
