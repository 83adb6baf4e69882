import type { ListRequest } from './backend.ts';

/** One line of the log. */
export interface Row {
  readonly key: string;
  readonly revision: number;
  /** The revision that made the key; for a deletion, of the key that it deletes. */
  readonly created: number;
  /** Undefined: this revision deletes the key. */
  readonly value: Buffer | undefined;
  /** Milliseconds since the epoch at which the key goes by itself; 0: never. */
  readonly expires: number;
}

export type KeyRow = Omit<Row, 'value'>;

/** What a table knows when it is opened. */
export interface Opened {
  /** No revision up to this one may be given out again. */
  readonly revision: number;
  readonly compacted: number;
  /** The living keys. */
  readonly keys: readonly KeyRow[];
}

/**
 * The append-only table of revisions below a backend of ours: knows nothing of conditions, watches or time.
 * Calls may overlap; commits are made in the order of the calls. When one fails, so do all that were called before its
 * caller was told.
 */
export interface RevisionTable {
  open(): Promise<Opened>;
  /** All rows or none; resolves when durable. `reserve`: revisions up to it count as given out from now on. */
  commit(batch: { rows: readonly Row[]; reserve: number | undefined }): Promise<void>;
  /** The newest row of the key, a deletion too. */
  get(key: string): Promise<Row | undefined>;
  /** Rows in key order, no deletions, as they stood at `revision`. */
  list(request: ListRequest & { revision: number }): Promise<{ rows: readonly Row[]; count: number }>;
  /** Rows after revision `after` up to and including `until`, in revision order, deletions too. */
  changes(request: { prefix: string; after: number; until: number }): Promise<readonly Row[]>;
  compact(revision: number): Promise<void>;
  size(): Promise<number>;
  backup(path: string): Promise<void>;
  /** `revision`: the last one given out. */
  close(revision: number): Promise<void>;
}

/** The first key after all keys with `prefix`. */
export function prefixEnd(prefix: string): string {
  return prefix === ''
    ? '\u{10ffff}'
    : `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}
