import type { PackedBatch } from './commit-log.ts';
import type { KeyRow, Row } from './table.ts';

/** What the thread that holds the database can be asked, and what it answers. */
export interface Requests {
  open: { ask: { path: string }; answer: { revision: number; compacted: number; keys: KeyRow[]; checked: boolean } };
  /** `era`: after a commit has failed, those of its era that come later are refused. */
  commit: { ask: PackedBatch & { era: number }; answer: undefined };
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
 * Rows on their way between threads. `block` is moved, not copied: four numbers of each row (revision, created, expires,
 * bytes of the value or -1 for a deletion), then all values. `keys` are separated by NUL, which no key holds.
 */
export interface PackedRows {
  readonly count: number;
  readonly keys: string;
  readonly block: ArrayBuffer;
}

const numbers = 4;

export function packRows(rows: readonly Row[]): PackedRows {
  const count = rows.length;
  let total = count * numbers * Float64Array.BYTES_PER_ELEMENT;
  let at = total;
  for (const { value } of rows) total += value?.length ?? 0;
  const block = new ArrayBuffer(total);
  const facts = new Float64Array(block, 0, count * numbers);
  const bytes = new Uint8Array(block);
  let keys = '';
  for (let i = 0; i < count; i++) {
    const { key, revision, created, expires, value } = rows[i] as Row;
    keys = i === 0 ? key : `${keys}\0${key}`;
    facts[i * numbers] = revision;
    facts[i * numbers + 1] = created;
    facts[i * numbers + 2] = expires;
    facts[i * numbers + 3] = value?.length ?? -1;
    if (value === undefined) continue;
    bytes.set(value, at);
    at += value.length;
  }
  return { count, keys, block };
}

/** The values are views of the block: whoever keeps one for long copies it. */
export function unpackRows({ count, keys, block }: PackedRows): Row[] {
  const facts = new Float64Array(block, 0, count * numbers);
  let at = facts.byteLength;
  const names = keys.split('\0');
  return Array.from({ length: count }, (_, i) => {
    const [revision = 0, created = 0, expires = 0, size = -1] = facts.subarray(i * numbers, (i + 1) * numbers);
    const value = size < 0 ? undefined : Buffer.from(block, at, size);
    at += Math.max(0, size);
    return { key: names[i] ?? '', revision, created, expires, value };
  });
}
