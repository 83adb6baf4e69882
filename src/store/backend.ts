/**
 * The revisioned log under the API server, as narrow as it can be. One number line of revisions for all keys: every
 * acknowledged write has its own revision, larger than all before it, also after a restart. The semantics are those of
 * etcd's MVCC (`server/storage/mvcc/kv.go`) restricted to what the API server asks for. Every driver passes
 * `backend-contract.ts`.
 */
export interface Backend {
  /** Opens the store; resolves when reads and writes work. Throws KnarrError when the data is damaged. */
  start(): Promise<void>;
  stop(): Promise<void>;

  /** The newest revision that was given out; a read at it sees every acknowledged write. */
  currentRevision(): Promise<number>;
  /** Revisions below this one can no longer be read or watched from. */
  compactedRevision(): number;

  /** The entry of one key, or undefined. */
  get(key: string): Promise<Entry | undefined>;

  /**
   * Entries with `prefix` in key order (bytewise), from `start` (inclusive) if given, at most `limit`, as they stood at
   * `revision` (default: now). `count` is the number of entries from `start` on, past the limit too.
   * Throws `compacted` (KnarrError) for a revision that is gone, `future-revision` for one not reached.
   */
  list(options: { prefix: string; start?: string; limit?: number; revision?: number }): Promise<Page>;

  /**
   * One conditional write: `value` undefined deletes. Resolves only when the write is durable — except for
   * `volatile` writes, which may be lost on a crash (revisions stay monotonic all the same).
   * With `expected`: 0 means the key must not exist, n that its modRevision must be n; otherwise nothing is written and
   * the current entry is returned. `ttlSeconds`: the key disappears by itself that long after the write.
   */
  write(operation: WriteOperation): Promise<WriteResult>;

  /**
   * Every event on keys with `prefix` after revision `after`, in revision order, without gaps; then live.
   * `onEvents` gets batches, synchronously with their becoming durable; it must not throw.
   * `progress` batches (empty events) carry the revision up to which everything was delivered.
   * Throws `compacted` when `after` is older than what is kept. The returned function ends the watch.
   */
  watch(options: { prefix: string; after: number; onEvents: (batch: EventBatch) => void }): () => void;

  /** Forgets history before `revision` (current values stay). */
  compact(revision: number): Promise<void>;
  /** Bytes on disk, as an operator would count them. */
  size(): Promise<number>;
  /** A consistent copy to `path`, taken while running. Drivers that cannot throw KnarrError `unsupported`. */
  backup(path: string): Promise<void>;
}

export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface Page {
  readonly revision: number;
  readonly entries: readonly Entry[];
  readonly count: number;
}

export interface WriteOperation {
  key: string;
  value: Buffer | undefined;
  expected?: number | undefined;
  ttlSeconds?: number | undefined;
  volatile?: boolean | undefined;
}

export type WriteResult =
  | { ok: true; revision: number; previous: Entry | undefined }
  | { ok: false; revision: number; current: Entry | undefined };

export interface StoreEvent {
  readonly type: 'put' | 'delete';
  /** For a delete: the last value, with the revision of the delete as `modRevision`. */
  readonly entry: Entry;
  readonly previous: Entry | undefined;
}

export interface EventBatch {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}
