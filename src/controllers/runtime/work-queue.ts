/** Keys to work on. A key waits at most once, and is never handed out while somebody still works on it. */
export interface WorkQueue {
  add(key: string): void;
  /** Adds the key when the time has come; of several times for one key the earliest holds. */
  addAfter(key: string, ms: number): void;
  /** Adds the key after a wait that doubles with each failure since the last `forget`. */
  addRateLimited(key: string): void;
  forget(key: string): void;
  /** The next key, or undefined once the queue is closed. */
  take(): Promise<string | undefined>;
  /** Must follow each `take`. */
  done(key: string): void;
  readonly length: number;
  close(): void;
}

export interface WorkQueueOptions {
  /** First and longest wait after a failure. As upstream: 5 ms and 1,000 s. */
  initialBackoffMs?: number;
  maxBackoffMs?: number;
}

export function createWorkQueue(options: WorkQueueOptions = {}): WorkQueue {
  const { initialBackoffMs = 5, maxBackoffMs = 1_000_000 } = options;
  const waiting = new Set<string>();
  const working = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  const takers: ((key: string | undefined) => void)[] = [];
  let closed = false;

  const hand = (): void => {
    while (takers.length > 0 && waiting.size > 0) {
      const key = waiting.values().next().value as string;
      waiting.delete(key);
      working.add(key);
      takers.shift()?.(key);
    }
  };

  const add = (key: string): void => {
    if (closed) return;
    const later = timers.get(key);
    if (later) {
      clearTimeout(later.timer);
      timers.delete(key);
    }
    if (working.has(key)) {
      again.add(key);
      return;
    }
    waiting.add(key);
    hand();
  };

  const addAfter = (key: string, ms: number): void => {
    if (closed) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const at = Date.now() + ms;
    const known = timers.get(key);
    if (known && known.at <= at) return;
    clearTimeout(known?.timer);
    // Beyond what a timer can hold the key simply comes early and is put off again.
    const timer = setTimeout(
      () => {
        timers.delete(key);
        add(key);
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    timers.set(key, { timer, at });
  };

  return {
    add,
    addAfter,
    addRateLimited(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      addAfter(key, Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.min(count, 40)));
    },
    forget: (key) => void failures.delete(key),
    take() {
      if (closed) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        takers.push(resolve);
        hand();
      });
    },
    done(key) {
      working.delete(key);
      if (again.delete(key)) add(key);
    },
    get length() {
      return waiting.size;
    },
    close() {
      closed = true;
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      waiting.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
  };
}
