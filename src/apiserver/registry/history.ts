import type { Kept } from './stored.ts';
import type { WatchEvent } from './types.ts';

/** One change of one object; for a deletion `stored` is the last object at the revision of the deletion. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly stored: Kept;
  readonly previous: Kept | undefined;
  /** The events that watchers get, made when first asked for: whole, and as a selection sees it enter or leave. */
  events?: Partial<Record<'whole' | 'entering' | 'leaving', WatchEvent>>;
}

/** The newest changes of a resource, bounded in number and bytes. */
export interface History {
  add(changes: readonly Change[]): void;
  /** Undefined when changes after `revision` have been dropped. */
  after(revision: number): readonly Change[] | undefined;
  /** Nothing from before `revision` is known. */
  startAt(revision: number): void;
}

/** The most changes of one resource that are kept. */
export const historyCapacity = 4_096;

export function createHistory(options: { most?: number; mostBytes?: number } = {}): History {
  const { most = historyCapacity, mostBytes = 4 * 1024 * 1024 } = options;
  let changes: Change[] = [];
  /** Changes before this index are dropped; the array is cut now and then. */
  let first = 0;
  let bytes = 0;
  let floor = 0;

  const trim = (): void => {
    while (changes.length - first > most || bytes > mostBytes) {
      const dropped = changes[first++];
      if (!dropped) break;
      bytes -= dropped.stored.bytes.length;
      floor = dropped.revision;
    }
    if (first > 1_024 && first > changes.length / 2) {
      changes = changes.slice(first);
      first = 0;
    } else {
      for (let i = first - 1; i >= 0 && changes[i] !== gone; i--) changes[i] = gone;
    }
  };
  return {
    add(added) {
      for (const change of added) {
        changes.push(change);
        bytes += change.stored.bytes.length;
      }
      trim();
    },
    after(revision) {
      if (revision < floor) return undefined;
      let low = first;
      let high = changes.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((changes[middle] as Change).revision <= revision) low = middle + 1;
        else high = middle;
      }
      return changes.slice(low);
    },
    startAt(revision) {
      changes = [];
      first = 0;
      bytes = 0;
      floor = revision;
    },
  };
}

/** Stands where a change has been dropped, so that its objects can go before the array is cut. */
const gone = undefined as unknown as Change;
