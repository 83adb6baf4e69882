import type { ResourceStore, Stored, Watch } from './registry/types.ts';

/** Somebody who follows one resource: `put` for what is there and what changes, `remove` for what goes. */
export interface MirrorSink {
  put(stored: Stored): void;
  remove(stored: Stored): void;
}

export interface Mirror {
  stop(): void;
}

/**
 * Feeds every object of a resource into `sink`, then every change, synchronously with its becoming durable. When the
 * watch is closed under it, it lists again and reports what has changed meanwhile. Resolves when the first list is in.
 */
export async function createMirror(store: ResourceStore, sink: MirrorSink): Promise<Mirror> {
  let known = new Map<string, Stored>();
  let watch: Watch | undefined;
  let stopped = false;

  const follow = async (): Promise<void> => {
    const listed = await store.list({});
    if (stopped) return;
    const seen = new Map<string, Stored>();
    for (const stored of listed.items) {
      seen.set(stored.key, stored);
      if (known.get(stored.key)?.revision !== stored.revision) sink.put(stored);
    }
    for (const [key, stored] of known) if (!seen.has(key)) sink.remove(stored);
    known = seen;
    watch = await store.watch(
      { resourceVersion: listed.resourceVersion },
      {
        onEvents(events) {
          for (const { type, stored } of events) {
            if (type === 'ADDED' || type === 'MODIFIED') {
              known.set(stored.key, stored);
              sink.put(stored);
            } else if (type === 'DELETED') {
              known.delete(stored.key);
              sink.remove(stored);
            }
          }
        },
        onClose() {
          if (!stopped) setTimeout(() => void follow().catch(() => {}), 100).unref();
        },
      },
    );
    if (stopped) watch.stop();
  };
  await follow();
  return {
    stop() {
      stopped = true;
      watch?.stop();
    },
  };
}
