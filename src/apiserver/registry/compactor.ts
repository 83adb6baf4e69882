import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Backend } from '../../store/backend.ts';

/**
 * Forgets history: what is older than `keepMs`, and sooner what is more than `keepRevisions` back, so that the datastore
 * stays bounded however fast it is written. Does nothing while nothing is written.
 */
export interface Compactor {
  start(): void;
  stop(): Promise<void>;
}

export interface CompactorOptions {
  backend: Backend;
  log: Logger;
  keepMs: number;
  /** Default 100,000. */
  keepRevisions?: number;
  /** Default 20 seconds. */
  everyMs?: number;
  /** Told how far things were `keepMs` ago, whether or not it is worthwhile to forget what was before. */
  onAged?: (revision: number) => void;
}

/** Heartbeats alone are no reason to touch the disk. */
const worthwhile = 1_000;

export function createCompactor(options: CompactorOptions): Compactor {
  const { backend, log, keepMs, keepRevisions = 100_000, everyMs = 20_000 } = options;
  /** How far things were, sample by sample, oldest first. */
  const samples: { at: number; revision: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;

  const compact = async (): Promise<void> => {
    const now = Date.now();
    const revision = await backend.currentRevision();
    samples.push({ at: now, revision });
    let old = 0;
    while ((samples[1]?.at ?? now) <= now - keepMs) old = samples.shift()?.revision ?? old;
    const aged = samples[0] !== undefined && samples[0].at <= now - keepMs ? samples[0].revision : old;
    options.onAged?.(aged);
    const target = Math.max(aged, revision - keepRevisions);
    if (target - backend.compactedRevision() < worthwhile) return;
    await backend.compact(target);
    log.debug('forgot history', { before: target });
  };
  return {
    start() {
      timer = setInterval(() => {
        working ??= compact()
          .catch((error: unknown) => log.warn('history could not be compacted', { error: messageOf(error) }))
          .finally(() => {
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
