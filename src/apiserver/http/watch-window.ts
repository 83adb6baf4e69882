/** How long events of a busy resource gather before its watchers get them, in one piece each. */
const windowMs = 10;

/**
 * When watchers are written to. After a quiet time at once, in the turn of the event; then not again before `windowMs`
 * have passed. What comes meanwhile goes together: a write to a socket costs far more than an event in it.
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
    setTimeout(flush, windowMs).unref();
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
