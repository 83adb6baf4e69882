import { ApiError } from '../../api/status.ts';
import type { Measures } from './measures.ts';
import { type PriorityLevel, RefusedError } from './priority-level.ts';

/** Counted since a flow schema was last arranged with the others. */
export interface Counts {
  dispatched: number;
  executing: number;
  seats: number;
  waiting: number;
  waitingSeats: number;
  readonly rejected: Record<string, number>;
}

/** Ends a request; it was served for so many milliseconds. */
export type Leave = (ms: number) => void;

/** How the requests of one flow schema take their seats. */
export interface Seating {
  readonly counts: Counts;
  readonly measures: Measures;
  /** Ends a request of one seat; shared by all of them. */
  readonly leave: Leave;
  readonly leaveWatch: Leave;
}

export const noCounts = (): Counts => ({
  dispatched: 0,
  executing: 0,
  seats: 0,
  waiting: 0,
  waitingSeats: 0,
  rejected: {},
});

/** `level`: undefined where it is exempt. */
export function createSeating(counts: Counts, measures: Measures, level: PriorityLevel | undefined): Seating {
  const ending = (watch: boolean) => leaving(counts, measures, level, 1, watch);
  return { counts, measures, leave: ending(false), leaveWatch: ending(true) };
}

function leaving(
  counts: Counts,
  measures: Measures,
  level: PriorityLevel | undefined,
  seats: number,
  watch: boolean,
): Leave {
  return (ms) => {
    counts.executing--;
    counts.seats -= seats;
    level?.leave(seats);
    if (watch) measures.watch(ms);
    else measures.regular(ms);
  };
}

/** Counts a request in; gives what counts it out. */
export function begin(seating: Seating, level: PriorityLevel | undefined, seats: number, watch: boolean): Leave {
  const { counts, measures, leave, leaveWatch } = seating;
  counts.dispatched++;
  counts.executing++;
  counts.seats += seats;
  measures.seats(seats);
  if (seats === 1) return watch ? leaveWatch : leave;
  return leaving(counts, measures, level, seats, watch);
}

const refused = (): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Too many requests, please try again later.',
    reason: 'TooManyRequests',
    details: { retryAfterSeconds: 1 },
    code: 429,
  });

/** Waits for the seats. Rejects with what the client is told. */
export async function inLine(
  seating: Seating,
  level: PriorityLevel,
  waiting: Promise<void>,
  seats: number,
  watch: boolean,
): Promise<Leave> {
  const { counts, measures } = seating;
  counts.waiting++;
  counts.waitingSeats += seats;
  const began = performance.now();
  const waited = (execute: boolean): void => measures.waited(performance.now() - began, execute);
  try {
    await waiting;
    waited(true);
  } catch (error) {
    waited(false);
    const reason = error instanceof RefusedError ? error.reason : 'time-out';
    counts.rejected[reason] = (counts.rejected[reason] ?? 0) + 1;
    throw refused();
  } finally {
    counts.waiting--;
    counts.waitingSeats -= seats;
  }
  return begin(seating, level, seats, watch);
}
