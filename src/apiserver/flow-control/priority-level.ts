/** How many may be served at once, and who waits where; of `queues` 0: nobody waits. */
export interface LevelLimits {
  readonly seats: number;
  readonly queues: number;
  readonly handSize: number;
  readonly queueLength: number;
}

interface Waiter {
  readonly enter: () => void;
  readonly refuse: (reason: Refusal) => void;
  readonly timer: NodeJS.Timeout;
}

export type Refusal = 'queue-full' | 'concurrency-limit' | 'time-out';

export class RefusedError extends Error {
  readonly reason: Refusal;
  constructor(reason: Refusal) {
    super(reason);
    this.reason = reason;
  }
}

/** FNV-1a: spreads flows over queues. */
function hashOf(flow: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < flow.length; i++) hash = Math.imul(hash ^ flow.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/**
 * The queues that a flow may use: `size` different ones of `count`, dealt by its hash, so that few flows share all of
 * theirs with one that floods.
 */
export function handOf(flow: string, count: number, size: number): number[] {
  let hash = hashOf(flow);
  const hand: number[] = [];
  for (let i = 0; i < Math.min(size, count); i++) {
    let card = hash % (count - i);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
    for (const held of [...hand].sort((a, b) => a - b)) if (card >= held) card++;
    hand.push(card);
  }
  return hand;
}

/** One priority level: seats, and behind them fair queues. */
export interface PriorityLevel {
  /** A seat, or the promise of one; rejects with RefusedError. Every seat must be left once. */
  enter(flow: string): undefined | Promise<void>;
  leave(): void;
  /** New limits count for who comes next; who waits stays in line. */
  limit(limits: LevelLimits): void;
  readonly executing: number;
  readonly waiting: number;
}

export function createPriorityLevel(first: LevelLimits, waitMs: number): PriorityLevel {
  let limits = first;
  let executing = 0;
  let waiting = 0;
  const queues = new Map<number, Waiter[]>();
  /** Queues that have somebody, in the order in which they are served next. */
  let turn: number[] = [];

  const remove = (index: number, waiter: Waiter): void => {
    const queue = queues.get(index);
    const at = queue?.indexOf(waiter) ?? -1;
    if (!queue || at < 0) return;
    queue.splice(at, 1);
    waiting--;
    if (queue.length > 0) return;
    queues.delete(index);
    turn = turn.filter((other) => other !== index);
  };

  const next = (): Waiter | undefined => {
    const index = turn.shift();
    const queue = index === undefined ? undefined : queues.get(index);
    const waiter = queue?.shift();
    if (index === undefined || !queue || !waiter) return undefined;
    waiting--;
    if (queue.length > 0) turn.push(index);
    else queues.delete(index);
    return waiter;
  };

  const fill = (): void => {
    while (executing < limits.seats) {
      const waiter = next();
      if (!waiter) return;
      clearTimeout(waiter.timer);
      executing++;
      waiter.enter();
    }
  };

  const wait = (flow: string): Promise<void> => {
    const { queues: count, handSize, queueLength } = limits;
    if (count === 0) return Promise.reject(new RefusedError('concurrency-limit'));
    const length = (index: number): number => queues.get(index)?.length ?? 0;
    const index = handOf(flow, count, handSize).reduce((best, other) => (length(other) < length(best) ? other : best));
    if (length(index) >= queueLength) return Promise.reject(new RefusedError('queue-full'));
    return new Promise((resolve, reject) => {
      const refuse = (reason: Refusal): void => {
        remove(index, waiter);
        reject(new RefusedError(reason));
      };
      const timer = setTimeout(() => refuse('time-out'), waitMs);
      timer.unref();
      const waiter: Waiter = { enter: resolve, refuse, timer };
      const queue = queues.get(index);
      if (queue) queue.push(waiter);
      else {
        queues.set(index, [waiter]);
        turn.push(index);
      }
      waiting++;
    });
  };

  return {
    enter(flow) {
      if (executing < limits.seats && waiting === 0) {
        executing++;
        return undefined;
      }
      return wait(flow);
    },
    leave() {
      executing--;
      if (waiting > 0) fill();
    },
    limit(given) {
      limits = given;
      fill();
    },
    get executing() {
      return executing;
    },
    get waiting() {
      return waiting;
    },
  };
}
