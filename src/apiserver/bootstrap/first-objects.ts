import type { Logger } from '../../base/log.ts';
import { type BootstrapOptions, bootstrap } from './bootstrap.ts';

/** How often it is looked whether what a cluster cannot do without is still there, as upstream's reconcilers do. */
const usualKeepMs = 10_000;
const retryMs = 5_000;

export interface FirstObjects {
  /** Makes them; resolves when that was tried. */
  start(options: BootstrapOptions): Promise<void>;
  stop(): void;
  /** What could not be made so far. */
  unmade(): readonly string[];
}

/** The objects that every cluster has: made at the start, and those that somebody took away again. */
export function createFirstObjects({ keepMs = usualKeepMs, log }: { keepMs?: number; log: Logger }): FirstObjects {
  let unmade: readonly string[] = ['the first objects are not made yet'];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const later = (work: () => Promise<void>, ms: number): void => {
    if (stopped) return;
    timer = setTimeout(() => void work(), ms);
    timer.unref();
  };
  const keep = async (options: BootstrapOptions): Promise<void> => {
    const failures = await bootstrap(options, 'kept');
    if (failures.length > 0 && !stopped)
      log.warn('some of the first objects are gone and cannot be made again', { failures: failures.join('; ') });
    later(() => keep(options), keepMs);
  };
  const make = async (options: BootstrapOptions): Promise<void> => {
    unmade = await bootstrap(options, 'all');
    if (unmade.length === 0) return later(() => keep(options), keepMs);
    if (stopped) return;
    log.error('some of the first objects cannot be made; they are tried again', { failures: unmade.join('; ') });
    later(() => make(options), retryMs);
  };

  return {
    start: make,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    unmade: () => unmade,
  };
}
