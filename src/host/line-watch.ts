import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createBackoff, delay } from '../base/abort.ts';
import { KnarrError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

export interface LineWatchOptions {
  /** A program that sleeps until the kernel has something to say, and its arguments. */
  command: readonly [string, ...string[]];
  onLine(line: string): void;
  /** The program ended and runs again: what it would have said in between is not known. */
  onGap(): void;
  log: Logger;
}

/** Follows what a program prints, and starts it again when it ends. */
export interface LineWatch {
  /** Resolves when the program runs; rejects when it cannot be run. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createLineWatch(options: LineWatchOptions): LineWatch {
  const { command, onLine, onGap, log } = options;
  const [program, ...args] = command;
  const lifetime = new AbortController();
  const backoff = createBackoff({ initialMs: 200, maxMs: 30_000 });
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();

  /** Runs the program once; resolves when it has ended. */
  const once = (started: () => void): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child = running;
    running.on('spawn', started);
    running.on('error', (error) => {
      log.error(`${program} cannot be run`, { error: error.message });
      resolve();
    });
    running.on('close', () => resolve());
    createInterface({ input: running.stdout }).on('line', onLine);
    return promise;
  };

  return {
    async start() {
      const up = Promise.withResolvers<void>();
      ended = (async () => {
        while (!lifetime.signal.aborted) {
          await once(up.resolve);
          up.reject(
            new KnarrError({ code: 'no-program', blame: 'world', message: `Install ${program}: it cannot be run` }),
          );
          if (lifetime.signal.aborted) return;
          log.warn(`${command.join(' ')} ended and is started again`);
          await delay(backoff.next(), lifetime.signal);
          if (!lifetime.signal.aborted) onGap();
        }
      })();
      await up.promise;
    },
    async stop() {
      lifetime.abort();
      child?.kill('SIGTERM');
      await ended;
    },
  };
}
