/** How long events of a busy resource gather before its watchers get them, in one piece each: at the least, */
const leastMs = 10;
/** longer the more were written to last (writing to one takes some 0.07 ms, and more than that is to be done), */
const eachMs = 0.4;
/** and at the most. */
const mostMs = 100;

/** How long to wait after so many watchers were written to. */
export const windowAfter = (written: number): number =>
  Math.min(mostMs, Math.max(leastMs, Math.round(written * eachMs)));

/**
 * When watchers are written to. After a quiet time at once, in the turn of the event; then not again before
 * `windowAfter` has passed. What comes meanwhile goes together: a write to a socket costs far more than an event in it.
 */
export interface WatchWindow {
  /** `flush` is called once, at the next time for it. The same function may be handed in again before. */
  add(flush: () => void): void;
}

export function createWatchWindow(): WatchWindow {
  let waiting = new Set<() => void>();
  let quiet = true;
  const flush = (): void => {
    quiet = waiting.size === 0;
    if (quiet) return;
    const due = waiting;
    waiting = new Set();
    for (const one of due) one();
    setTimeout(flush, windowAfter(due.size)).unref();
  };
  return {
    add(one) {
      waiting.add(one);
      if (!quiet) return;
      quiet = false;
      queueMicrotask(flush);
    },
  };
}

const windows = new WeakMap<object, WatchWindow>();

/** The window that all watchers of one thing share, so that they are written to together. */
export function windowOf(shared: object): WatchWindow {
  let found = windows.get(shared);
  if (!found) {
    found = createWatchWindow();
    windows.set(shared, found);
  }
  return found;
}
