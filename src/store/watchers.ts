import type { EventBatch } from './backend.ts';

type OnEvents = (batch: EventBatch) => void;

/** The fan-out of a backend: who watches which keys. */
export interface Watchers {
  deliver(batch: EventBatch): void;
  add(prefix: string, onEvents: OnEvents): () => void;
  /** Gives what `replay` resolves with first, and what is delivered meanwhile after it. */
  addReplaying(prefix: string, onEvents: OnEvents, replay: () => Promise<EventBatch>): () => void;
}

export function createWatchers(): Watchers {
  const all = new Set<{ prefix: string; onEvents: OnEvents }>();
  const add = (prefix: string, onEvents: OnEvents): (() => void) => {
    const watcher = { prefix, onEvents };
    all.add(watcher);
    return () => all.delete(watcher);
  };
  return {
    deliver(batch) {
      for (const { prefix, onEvents } of all) {
        const foreign = batch.events.some((event) => !event.key.startsWith(prefix));
        onEvents(foreign ? { ...batch, events: batch.events.filter((event) => event.key.startsWith(prefix)) } : batch);
      }
    },
    add,
    addReplaying(prefix, onEvents, replay) {
      let waiting: EventBatch[] | undefined = [];
      let ended = false;
      const remove = add(prefix, (batch) => (waiting ? void waiting.push(batch) : onEvents(batch)));
      const run = async (): Promise<void> => {
        const first = await replay();
        if (ended) return;
        onEvents(first);
        const late = waiting ?? [];
        waiting = undefined;
        for (const batch of late) if (!ended) onEvents(batch);
      };
      void run();
      return () => {
        ended = true;
        remove();
      };
    },
  };
}
