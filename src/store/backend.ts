/**
 * The revisioned log under the API server, as narrow as it can be. One number line of revisions for all keys: every
 * acknowledged write has its own revision, larger than all before it, also after a restart. The semantics are those of
 * etcd's MVCC (`server/storage/mvcc/kv.go`) restricted to what the API server asks for. Every driver passes
 * `backend-contract.ts`.
 */
export interface Backend {
  /** Opens the store; resolves when reads and writes work. Throws KnarrError when the data is damaged. */
  start(): Promise<void>;
  /** Writes out what is still to be written, and closes. */
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
  list(options: ListRequest): Promise<Page>;

  /**
   * One conditional write: `value` undefined deletes. Resolves only when the write is durable — except for
   * `volatile` writes, which may be lost on a crash (revisions stay monotonic all the same).
   * With `expected`: 0 means the key must not exist, n that its modRevision must be n; otherwise nothing is written.
   * Deleting a missing key writes nothing and is not `ok`. `ttlSeconds`: the key disappears by itself that long after.
   * Writes take effect in the order of the calls, those not yet durable included: a write whose `expected` is the
   * revision of one that is still on its way stands or falls with it.
   */
  write(operation: WriteOperation): Promise<WriteResult>;

  /**
   * Every event on keys with `prefix` after revision `after`, in revision order, without gaps; then live.
   * `onEvents` gets batches, synchronously with their becoming durable and before the write resolves; it must not
   * throw. Batches without events carry the revision up to which everything was delivered. Of volatile keys only the
   * newest state is sure to be replayed.
   * Throws `compacted` when `after` is older than what is kept. The returned function ends the watch.
   */
  watch(options: { prefix: string; after: number; onEvents: (batch: EventBatch) => void }): () => void;

  /** Forgets history before `revision` (current values stay). */
  compact(revision: number): Promise<void>;
  /** Bytes on disk, as an operator would count them. */
  size(): Promise<number>;
  /** A consistent copy to `path`, taken while running. Drivers that cannot throw KnarrError `unsupported`. */
  backup(path: string): Promise<void>;
  /** Whether the very same value, written again, would be stored otherwise: its encryption key has been replaced. */
  stale?(key: string): boolean;
}

export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface ListRequest {
  prefix: string;
  start?: string | undefined;
  limit?: number | undefined;
  revision?: number | undefined;
}

export interface Page {
  readonly revision: number;
  readonly entries: readonly Entry[];
  readonly count: number;
}

export interface WriteOperation {
  key: string;
  /**
   * A function is called once, before `write` returns, with the revision that the write will have if it stands, or with
   * 0 by drivers that learn it only afterwards.
   */
  value: Buffer | ((revision: number) => Buffer) | undefined;
  expected?: number | undefined;
  ttlSeconds?: number | undefined;
  volatile?: boolean | undefined;
}

/** Where a key stands, without its value. */
export interface KeyState {
  readonly createRevision: number;
  readonly modRevision: number;
}

/** `revision` of a refused write: one at which `current` is what stands. */
export type WriteResult =
  | { ok: true; revision: number; previous: KeyState | undefined }
  | { ok: false; revision: number; current: KeyState | undefined };

export type StoreEvent =
  | { readonly type: 'put'; readonly key: string; readonly entry: Entry; readonly revision: number }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number };

export interface EventBatch {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}
