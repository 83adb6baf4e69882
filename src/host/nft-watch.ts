import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { createLineWatch, type LineWatch } from './line-watch.ts';

/** Told that a table (`ip knarr-proxy`) was deleted, by whomever; undefined when that may have been missed. */
export type DeletionListener = (table: string | undefined) => void;

/** `delete table ip t` → `ip t` */
export const deletedTable = (line: string): string | undefined => /^delete table (\S+ \S+)/.exec(line)?.[1];

let shared: { watch: LineWatch; listeners: Set<DeletionListener> } | undefined;

/**
 * Hears of deleted tables (somebody flushed the ruleset, a firewall was reloaded). All who listen share one sleeping
 * program. Returns what takes the listener off; with the last one the program ends.
 */
export function watchDeletedTables(listener: DeletionListener, log: Logger): () => void {
  if (shared === undefined) {
    const listeners = new Set<DeletionListener>();
    const tell: DeletionListener = (table) => {
      for (const each of [...listeners]) each(table);
    };
    const watch = createLineWatch({
      // Not `monitor destroy tables`: newer programs take that word for a command.
      command: ['nft', 'monitor', 'tables'],
      onLine(line) {
        const table = deletedTable(line);
        if (table !== undefined) tell(table);
      },
      onGap: () => tell(undefined),
      log,
    });
    shared = { watch, listeners };
    watch.start().catch((error) => log.warn('deleted rules are not heard of', { error: messageOf(error) }));
  }
  const { watch, listeners } = shared;
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    if (shared?.watch === watch) shared = undefined;
    void watch.stop();
  };
}
