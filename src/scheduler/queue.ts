import type { ClusterChange } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';

/**
 *   add ─▶ active ──take──▶ (a cycle) ──refused──▶ unschedulable ──a change that may help──┐
 *            ▲                  └──failed──▶ backoff ◀──────────────────────────────────────┤
 *            └───────────── its time has come ──┘                         (or straight) ────┘
 */
export interface SchedulingQueue {
  /** A new or changed pod that has no node yet. */
  add(pod: PodInfo): void;
  remove(uid: string): void;
  has(uid: string): boolean;
  /** The next pod by priority, then age in the queue; undefined when there is none now. */
  take(): PodInfo | undefined;
  /** The pod has no place until one of `wakes` happens. */
  refused(pod: PodInfo, wakes: ReadonlySet<ClusterChange>): void;
  /** Something went wrong on the way: tried again after a back-off. */
  failed(pod: PodInfo): void;
  /** The pod is bound: its back-off is forgotten. */
  succeeded(uid: string): void;
  changed(change: ClusterChange): void;
  close(): void;
}

export interface SchedulingQueueOptions {
  /** Called when there is something to take after there was nothing. */
  onReady: () => void;
  now?: () => number;
  initialBackoffMs?: number;
  maxBackoffMs?: number;
  /** A refused pod is looked at again after this in any case. */
  maxUnschedulableMs?: number;
}

interface Entry {
  pod: PodInfo;
  attempts: number;
  /** Order among equals. */
  since: number;
  triedAt: number;
  wakes: ReadonlySet<ClusterChange>;
}

const before = (a: Entry, b: Entry): boolean =>
  a.pod.priority !== b.pod.priority ? a.pod.priority > b.pod.priority : a.since < b.since;

/** A binary heap, first in order on top. */
function createHeap(): { push(e: Entry): void; pop(): Entry | undefined } {
  const items: Entry[] = [];
  const at = (i: number): Entry => items[i] as Entry;
  const swap = (i: number, j: number): void => {
    const kept = at(i);
    items[i] = at(j);
    items[j] = kept;
  };
  return {
    push(entry) {
      items.push(entry);
      let i = items.length - 1;
      while (i > 0) {
        const parent = (i - 1) >> 1;
        if (!before(at(i), at(parent))) break;
        swap(i, parent);
        i = parent;
      }
    },
    pop() {
      const top = items[0];
      const last = items.pop();
      if (top === undefined || last === undefined || items.length === 0) return top;
      items[0] = last;
      for (let i = 0; ; ) {
        const left = 2 * i + 1;
        const right = left + 1;
        let best = i;
        if (left < items.length && before(at(left), at(best))) best = left;
        if (right < items.length && before(at(right), at(best))) best = right;
        if (best === i) return top;
        swap(i, best);
        i = best;
      }
    },
  };
}

export function createSchedulingQueue(options: SchedulingQueueOptions): SchedulingQueue {
  const { onReady, now = Date.now, initialBackoffMs = 1000, maxBackoffMs = 10_000 } = options;
  const maxUnschedulableMs = options.maxUnschedulableMs ?? 300_000;
  const heap = createHeap();
  /** Entries in the heap that still count: a removed pod's entry is skipped when it comes up. */
  const active = new Map<string, Entry>();
  const backoff = new Map<string, Entry>();
  const unschedulable = new Map<string, Entry>();
  const attempts = new Map<string, number>();
  let order = 0;
  let timer: { handle: NodeJS.Timeout; at: number } | undefined;

  const backoffEnd = (e: Entry): number =>
    e.triedAt + Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.max(0, e.attempts - 1));

  const activate = (entry: Entry): void => {
    active.set(entry.pod.uid, entry);
    heap.push(entry);
    onReady();
  };

  const arm = (at: number): void => {
    if (timer && timer.at <= at) return;
    clearTimeout(timer?.handle);
    timer = { at, handle: setTimeout(ring, Math.max(1, at - now())) };
  };

  function ring(): void {
    timer = undefined;
    const at = now();
    for (const [uid, entry] of backoff) {
      if (backoffEnd(entry) > at) continue;
      backoff.delete(uid);
      activate(entry);
    }
    for (const [uid, entry] of unschedulable) {
      if (entry.triedAt + maxUnschedulableMs > at) continue;
      unschedulable.delete(uid);
      activate(entry);
    }
    const next = Math.min(
      ...[...backoff.values()].map(backoffEnd),
      ...[...unschedulable.values()].map((e) => e.triedAt + maxUnschedulableMs),
    );
    if (Number.isFinite(next)) arm(next);
  }

  const wait = (entry: Entry): void => {
    const end = backoffEnd(entry);
    if (end <= now()) {
      activate(entry);
      return;
    }
    backoff.set(entry.pod.uid, entry);
    arm(end);
  };

  const remove = (uid: string): void => {
    active.delete(uid);
    backoff.delete(uid);
    unschedulable.delete(uid);
  };

  const entryOf = (pod: PodInfo, wakes: ReadonlySet<ClusterChange>): Entry => {
    const count = (attempts.get(pod.uid) ?? 0) + 1;
    attempts.set(pod.uid, count);
    return { pod, attempts: count, since: order++, triedAt: now(), wakes };
  };

  return {
    add(pod) {
      const waiting = active.get(pod.uid) ?? backoff.get(pod.uid);
      if (waiting) {
        waiting.pod = pod;
        return;
      }
      const refused = unschedulable.get(pod.uid);
      if (refused) {
        unschedulable.delete(pod.uid);
        wait({ ...refused, pod });
        return;
      }
      activate({ pod, attempts: 0, since: order++, triedAt: 0, wakes: new Set() });
    },
    remove(uid) {
      remove(uid);
      attempts.delete(uid);
    },
    has: (uid) => active.has(uid) || backoff.has(uid) || unschedulable.has(uid),
    take() {
      for (let entry = heap.pop(); entry; entry = heap.pop()) {
        if (active.get(entry.pod.uid) !== entry) continue;
        active.delete(entry.pod.uid);
        return entry.pod;
      }
      return undefined;
    },
    refused(pod, wakes) {
      const entry = entryOf(pod, wakes);
      unschedulable.set(pod.uid, entry);
      arm(entry.triedAt + maxUnschedulableMs);
    },
    failed(pod) {
      wait(entryOf(pod, new Set()));
    },
    succeeded: (uid) => void attempts.delete(uid),
    changed(change) {
      for (const [uid, entry] of unschedulable) {
        if (!entry.wakes.has(change)) continue;
        unschedulable.delete(uid);
        wait(entry);
      }
    },
    close() {
      clearTimeout(timer?.handle);
      active.clear();
      backoff.clear();
      unschedulable.clear();
    },
  };
}
