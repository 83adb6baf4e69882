import { createDemandMeter, type Demand } from './demand.ts';

/** How many may be served at once, and who waits where; of `queues` 0: nobody waits. */
export interface LevelLimits {
  readonly seats: number;
  readonly queues: number;
  readonly handSize: number;
  readonly queueLength: number;
}

interface Waiter {
  readonly flow: string;
  readonly seats: number;
  readonly since: number;
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

/** What one request that waits looks like from outside. */
export interface Waiting {
  readonly queue: number;
  readonly place: number;
  readonly flow: string;
  readonly seats: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** One priority level: seats, and behind them fair queues. */
export interface PriorityLevel {
  /** `seats` seats (default 1), or the promise of them; rejects with RefusedError. All must be left once. `queued`: into what line it comes. */
  enter(flow: string, seats?: number, queued?: (length: number) => void): undefined | Promise<void>;
  leave(seats?: number): void;
  /** New limits count for who comes next; who waits stays in line. */
  limit(limits: LevelLimits): void;
  /** Other seats than those of the limits, until the next `limit`: lent or borrowed. */
  lend(seats: number): void;
  readonly limits: LevelLimits;
  readonly executing: number;
  readonly executingSeats: number;
  readonly waiting: number;
  /** Since the start. */
  readonly counts: { readonly dispatched: number; readonly rejected: number; readonly timedOut: number };
  /** Who waits, queue by queue. */
  line(): Waiting[];
  /** Seats that were wanted since the last call. */
  demand(): Demand;
}

export function createPriorityLevel(first: LevelLimits, waitMs: number): PriorityLevel {
  let limits = first;
  let executing = 0;
  let executingSeats = 0;
  let waiting = 0;
  let waitingSeats = 0;
  const counts = { dispatched: 0, rejected: 0, timedOut: 0 };
  const demand = createDemandMeter();
  const queues = new Map<number, Waiter[]>();
  /** Queues that have somebody, in the order in which they are served next. */
  let turn: number[] = [];

  const fits = (seats: number): boolean =>
    executingSeats + seats <= limits.seats || (executing === 0 && limits.seats > 0);
  const begin = (seats: number): void => {
    executing++;
    executingSeats += seats;
    counts.dispatched++;
  };

  const remove = (index: number, waiter: Waiter): void => {
    const queue = queues.get(index);
    const at = queue?.indexOf(waiter) ?? -1;
    if (!queue || at < 0) return;
    queue.splice(at, 1);
    waiting--;
    waitingSeats -= waiter.seats;
    demand.now(executingSeats + waitingSeats);
    if (queue.length > 0) return;
    queues.delete(index);
    turn = turn.filter((other) => other !== index);
  };

  /** Whoever is next in turn; undefined when he does not fit yet: nobody passes one who waits for many seats. */
  const next = (): Waiter | undefined => {
    const [index] = turn;
    const queue = index === undefined ? undefined : queues.get(index);
    const waiter = queue?.[0];
    if (index === undefined || !queue || !waiter || !fits(waiter.seats)) return undefined;
    turn.shift();
    queue.shift();
    waiting--;
    waitingSeats -= waiter.seats;
    if (queue.length > 0) turn.push(index);
    else queues.delete(index);
    return waiter;
  };

  const fill = (): void => {
    for (let waiter = next(); waiter; waiter = next()) {
      clearTimeout(waiter.timer);
      begin(waiter.seats);
      waiter.enter();
    }
  };

  const reject = (reason: Refusal): Promise<never> => {
    counts.rejected++;
    return Promise.reject(new RefusedError(reason));
  };

  const wait = (flow: string, seats: number, queued?: (length: number) => void): Promise<void> => {
    const { queues: count, handSize, queueLength } = limits;
    if (count === 0) return reject('concurrency-limit');
    const length = (index: number): number => queues.get(index)?.length ?? 0;
    const index = handOf(flow, count, handSize).reduce((best, other) => (length(other) < length(best) ? other : best));
    if (length(index) >= queueLength) return reject('queue-full');
    return new Promise((resolve, refuseWith) => {
      const refuse = (reason: Refusal): void => {
        counts.timedOut++;
        remove(index, waiter);
        refuseWith(new RefusedError(reason));
      };
      const timer = setTimeout(() => refuse('time-out'), waitMs);
      timer.unref();
      const waiter: Waiter = { flow, seats, since: Date.now(), enter: resolve, refuse, timer };
      const queue = queues.get(index);
      if (queue) queue.push(waiter);
      else {
        queues.set(index, [waiter]);
        turn.push(index);
      }
      queued?.(length(index));
      waiting++;
      waitingSeats += seats;
      demand.now(executingSeats + waitingSeats);
    });
  };

  return {
    enter(flow, seats = 1, queued = undefined) {
      if (waiting > 0 || !fits(seats)) return wait(flow, seats, queued);
      begin(seats);
      demand.now(executingSeats + waitingSeats);
      return undefined;
    },
    leave(seats = 1) {
      executing--;
      executingSeats -= seats;
      demand.now(executingSeats + waitingSeats);
      if (waiting > 0) fill();
    },
    limit(given) {
      limits = given;
      fill();
    },
    lend(seats) {
      limits = { ...limits, seats };
      fill();
    },
    get limits() {
      return limits;
    },
    get executing() {
      return executing;
    },
    get executingSeats() {
      return executingSeats;
    },
    get waiting() {
      return waiting;
    },
    counts,
    line: () =>
      [...queues].flatMap(([queue, waiters]) =>
        waiters.map(({ flow, seats, since }, place) => ({ queue, place, flow, seats, since })),
      ),
    demand: () => demand.take(),
  };
}
