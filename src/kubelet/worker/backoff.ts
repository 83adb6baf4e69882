import { uptime } from 'node:os';

/** Times to wait per key that double with each `next` and start again after `2 × max` without one. Times in ms. */
export interface KeyedBackoff {
  /** How long after `since` the key has to wait, as it stands. */
  get(key: string): number;
  /** Grows the key's wait, or begins it where the last growth is long before `at` (default now). */
  next(key: string, at?: number): void;
  /** Milliseconds from now until `since` + wait; 0 when that is over. */
  remaining(key: string, since: number): number;
  lastUpdate(key: string): number;
  /**
   * Puts back what an earlier process had come to after `times` growths, the last at `at`, where nothing is known of the
   * key. What ended with an earlier life of the machine says nothing of the container: it is left out.
   */
  restore(key: string, times: number, at: number): void;
  reset(key: string): void;
  /** Drops every key that begins so. */
  forget(prefix: string): void;
}

export function createKeyedBackoff(options: {
  initialMs: number;
  maxMs: number;
  now?: () => number;
  /** When this machine was started, as `now` counts. */
  bootedAt?: number;
}): KeyedBackoff {
  const { initialMs, maxMs, now = Date.now, bootedAt = Date.now() - uptime() * 1000 } = options;
  const entries = new Map<string, { wait: number; updated: number }>();
  return {
    get: (key) => entries.get(key)?.wait ?? 0,
    next(key, at = now()) {
      const old = entries.get(key);
      const fresh = old === undefined || at - old.updated > 2 * maxMs;
      entries.set(key, { wait: fresh ? initialMs : Math.min(maxMs, old.wait * 2), updated: now() });
    },
    remaining(key, since) {
      const entry = entries.get(key);
      if (!entry || since - entry.updated > 2 * maxMs) return 0;
      return Math.max(0, since + entry.wait - now());
    },
    lastUpdate: (key) => entries.get(key)?.updated ?? 0,
    restore(key, times, at) {
      if (times < 1 || at < bootedAt || entries.has(key)) return;
      entries.set(key, { wait: Math.min(maxMs, initialMs * 2 ** (times - 1)), updated: at });
    },
    reset: (key) => void entries.delete(key),
    forget(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
  };
}

/** Go's text of a duration in whole seconds and up: `10s`, `1m20s`, `5m0s`. */
export function goDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${Math.round(seconds * 1000) / 1000}s`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Math.round((seconds % 60) * 1000) / 1000;
  return `${hours > 0 ? `${hours}h` : ''}${minutes}m${rest}s`;
}
