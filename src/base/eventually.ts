import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './errors.ts';

/** Thrown by an attempt that no waiting can mend. */
export class Hopeless extends Error {}

const firstPauseMs = 5;
const longestPauseMs = 200;

/**
 * Tries `attempt` until it does not throw, and gives what it gives: how tests wait for what comes in its own time. The
 * last error is told with what was waited for.
 */
export async function eventually<T>(what: string, attempt: () => T | Promise<T>, timeoutMs = 60_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      if (Date.now() > end)
        throw new Error(`waited ${timeoutMs / 1000} s for ${what}: ${messageOf(error)}`, { cause: error });
      await sleep(pause);
    }
  }
}
