/** Runs one thing again and again while there is a reason to, never twice at a time. */
export interface WorkLoop {
  /** There is something to do: at once, or, while a step runs, after it. */
  kick(): void;
  /** There is something to do then, at the latest. */
  wakeIn(ms: number): void;
  /** No step begins any more. Resolves when none runs: not to be awaited within one. */
  end(): Promise<void>;
}

export interface WorkLoopOptions {
  /** Does what there is to do. It must not throw. */
  step: () => Promise<void>;
  now: () => number;
}

/** The longest that a timer of Node's waits. */
const longestMs = 2 ** 31 - 1;

export function createWorkLoop({ step, now }: WorkLoopOptions): WorkLoop {
  let due = false;
  let ended = false;
  let busy = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const run = async (): Promise<void> => {
    busy = true;
    while (due && !ended) {
      due = false;
      await step();
    }
    busy = false;
  };

  const kick = (): void => {
    due = true;
    if (!busy && !ended) running = run();
  };

  return {
    kick,
    wakeIn(ms) {
      const at = now() + ms;
      if (ended || at >= timerAt) return;
      clearTimeout(timer);
      timerAt = at;
      timer = setTimeout(
        () => {
          timerAt = Number.POSITIVE_INFINITY;
          kick();
        },
        Math.min(ms, longestMs),
      );
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      await running;
    },
  };
}
