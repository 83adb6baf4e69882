import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Backend } from '../../store/backend.ts';

/** Forgets history that is older than one interval, and does nothing while nothing is written. */
export interface Compactor {
  start(): void;
  stop(): Promise<void>;
}

/** Heartbeats alone are no reason to touch the disk. */
const worthwhile = 1_000;

export function createCompactor(options: { backend: Backend; log: Logger; everyMs: number }): Compactor {
  const { backend, log, everyMs } = options;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let before = 0;

  const compact = async (): Promise<void> => {
    const target = before;
    before = await backend.currentRevision();
    if (target - backend.compactedRevision() < worthwhile) return;
    try {
      await backend.compact(target);
      log.debug('forgot history', { before: target });
    } catch (error) {
      log.warn('history could not be compacted', { error: messageOf(error) });
    }
  };
  return {
    start() {
      timer = setInterval(() => {
        working ??= compact().finally(() => {
          working = undefined;
        });
      }, everyMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      await working;
    },
  };
}
