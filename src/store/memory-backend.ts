import { type Logger, silent } from '../base/log.ts';
import type { Backend } from './backend.ts';
import { createMemoryTable } from './memory-table.ts';
import { createTableBackend } from './table-backend.ts';

/** Keeps everything in memory and forgets it at the end of the process. */
export function createMemoryBackend(options: { log?: Logger } = {}): Backend {
  return createTableBackend({ table: createMemoryTable(), log: options.log ?? silent });
}
