import type { Logger } from '../base/log.ts';
import type { Backend } from './backend.ts';
import { createSqliteTable } from './sqlite-table.ts';
import { createTableBackend, type TableBackendOptions } from './table-backend.ts';

export interface SqliteBackendOptions extends Omit<TableBackendOptions, 'table'> {
  /** The database file; `-log`, `-wal`, `-shm` and `.lock` stand beside it. */
  path: string;
  log: Logger;
}

/**
 * One SQLite file with a log of the newest commits. Acknowledged means synced to disk, in the log; the writes of one
 * event-loop turn share one sync; all disk work happens on a thread of its own. One process at a time may have it open.
 */
export function createSqliteBackend({ path, log, ...rest }: SqliteBackendOptions): Backend {
  return createTableBackend({ table: createSqliteTable({ path, log }), log, ...rest });
}
