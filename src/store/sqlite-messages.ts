import type { KeyRow, Row } from './table.ts';

/** What the thread that holds the database can be asked, and what it answers. */
export interface Requests {
  open: { ask: { path: string }; answer: { revision: number; compacted: number; keys: KeyRow[]; checked: boolean } };
  commit: { ask: { rows: PackedRows | undefined; reserve: number | undefined }; answer: undefined };
  get: { ask: { key: string }; answer: PackedRows };
  list: {
    ask: { prefix: string; start: string; limit: number | undefined; revision: number };
    answer: { rows: PackedRows; count: number };
  };
  changes: { ask: { prefix: string; after: number; until: number }; answer: PackedRows };
  compact: { ask: { revision: number }; answer: undefined };
  size: { ask: undefined; answer: number };
  backup: { ask: { path: string }; answer: undefined };
  close: { ask: { revision: number }; answer: undefined };
  verify: { ask: { path: string }; answer: BackupFacts };
  copy: { ask: { from: string; to: string }; answer: CopyFacts };
  schema: { ask: { path: string }; answer: number };
  restore: { ask: { from: string; to: string }; answer: Restored };
}

/** What a sound file holds. */
export interface BackupFacts {
  readonly revision: number;
  readonly keys: number;
  readonly bytes: number;
}

/** What a copy holds, and in which form of the tables. */
export interface CopyFacts extends BackupFacts {
  readonly schema: number;
}

export interface Restored extends BackupFacts {
  /** Where the file that stood there before is now; undefined: there was none. */
  readonly keptAt: string | undefined;
}

export type RequestName = keyof Requests;
export type Ask = { [Name in RequestName]: { id: number; name: Name; body: Requests[Name]['ask'] } }[RequestName];
export type Answer = { id: number; body: unknown } | { id: number; error: { message: string; code: string } };

/**
 * Rows on their way between threads: all values in one block of memory that is moved, not copied.
 * `sizes`: bytes of each value, -1 for a deletion.
 */
export interface PackedRows {
  readonly keys: readonly string[];
  readonly revisions: readonly number[];
  readonly created: readonly number[];
  readonly expires: readonly number[];
  readonly sizes: readonly number[];
  readonly block: ArrayBuffer;
}

export function packRows(rows: readonly Row[]): PackedRows {
  const total = rows.reduce((sum, row) => sum + (row.value?.length ?? 0), 0);
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const { value } of rows) {
    if (value === undefined) continue;
    bytes.set(value, at);
    at += value.length;
  }
  return {
    keys: rows.map((row) => row.key),
    revisions: rows.map((row) => row.revision),
    created: rows.map((row) => row.created),
    expires: rows.map((row) => row.expires),
    sizes: rows.map((row) => row.value?.length ?? -1),
    block: bytes.buffer,
  };
}

/** The values are views of the block: whoever keeps one for long copies it. */
export function unpackRows({ keys, revisions, created, expires, sizes, block }: PackedRows): Row[] {
  let at = 0;
  return keys.map((key, i) => {
    const size = sizes[i] ?? -1;
    const value = size < 0 ? undefined : Buffer.from(block, at, size);
    at += Math.max(0, size);
    return { key, revision: revisions[i] ?? 0, created: created[i] ?? 0, expires: expires[i] ?? 0, value };
  });
}
