/** Resolves after `ms` milliseconds, or as soon as `signal` aborts (without throwing): the caller looks at the signal. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Exponential back-off with jitter: `next()` gives the milliseconds to wait, `reset()` starts again. */
export interface Backoff {
  next(): number;
  reset(): void;
}

export function createBackoff(options: {
  initialMs: number;
  maxMs: number;
  factor?: number;
  jitter?: number;
}): Backoff {
  const { initialMs, maxMs, factor = 2, jitter = 0.1 } = options;
  let current = initialMs;
  return {
    next() {
      const wait = current * (1 + Math.random() * jitter);
      current = Math.min(maxMs, current * factor);
      return Math.round(wait);
    },
    reset() {
      current = initialMs;
    },
  };
}
