import type { WatchMetrics } from '../metrics/watches.ts';

/** The watches that are being answered, so that a server that stops can end them instead of waiting for them. */
export interface OpenWatches {
  readonly metrics: WatchMetrics;
  /** The returned function forgets it. After `endAll` a new one is ended at once. */
  add(end: () => void): () => void;
  endAll(): void;
}

export function createOpenWatches(metrics: WatchMetrics): OpenWatches {
  const open = new Set<() => void>();
  let over = false;
  return {
    metrics,
    add(end) {
      if (over) end();
      else open.add(end);
      return () => open.delete(end);
    },
    endAll() {
      over = true;
      for (const end of [...open]) end();
      open.clear();
    },
  };
}
