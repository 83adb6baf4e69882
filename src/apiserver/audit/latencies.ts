import { goDuration } from '../../base/duration.ts';

/** Where the time of a request went. */
export type Layer =
  | 'authentication'
  | 'authorization'
  | 'impersonation'
  | 'apf-queue-wait'
  | 'mutating-webhook'
  | 'validating-webhook';

/** Requests that take no longer are not explained. */
const thresholdMs = 500;

const shown = (ms: number): string => goDuration(Math.round(ms * 1e6) / 1e6);

/** Gathers where the time of one request went. Times are in milliseconds. */
export function createLatencies(began: number) {
  const layers = new Map<Layer, number>();
  let last = began;
  return {
    add(layer: Layer, ms: number): void {
      layers.set(layer, (layers.get(layer) ?? 0) + ms);
      last = performance.now();
    },
    /** All since the last one was added. */
    since(layer: Layer): void {
      this.add(layer, performance.now() - last);
    },
    /** Annotations of a request that ends now; none where it was quick. */
    annotations(): [key: string, value: string][] {
      const total = performance.now() - began;
      if (total <= thresholdMs) return [];
      const all: [string, number][] = [...layers].filter(([, ms]) => ms > 0);
      return [...all, ['total', total] as const].map(([layer, ms]) => [`apiserver.latency.k8s.io/${layer}`, shown(ms)]);
    },
  };
}
