import { createBackoff, delay } from '../base/abort.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { isCriUnimplemented } from '../cri/channel.ts';
import type { ContainerRuntime } from '../cri/runtime.ts';
import { labelNames } from './pod/labels.ts';

/** What runs on the node, coarsely: a text per pod that changes when a container or sandbox of it does. */
async function fingerprints(runtime: ContainerRuntime): Promise<Map<string, string>> {
  const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]);
  const byPod = new Map<string, string[]>();
  for (const item of [...sandboxes, ...containers]) {
    const uid = item.labels[labelNames.podUid];
    if (!uid) continue;
    const list = byPod.get(uid) ?? [];
    byPod.set(uid, list);
    list.push(`${item.id} ${item.state}`);
  }
  return new Map([...byPod].map(([uid, list]) => [uid, list.sort().join('\n')]));
}

/**
 * Calls `changed` with the uid of every pod of which the runtime reports a change. Below the events lies a slow
 * comparison of lists, which also runs whenever the stream of events was interrupted.
 */
export function createRuntimeEvents(options: {
  runtime: ContainerRuntime;
  changed: (podUid: string) => void;
  /** Told when the runtime's events start to arrive (`undefined`) and when they fail. */
  health: (error: string | undefined) => void;
  log: Logger;
  relistMs?: number;
}): { start(): void; stop(): Promise<void> } {
  const { runtime, changed, health, log, relistMs = 300_000 } = options;
  const lifetime = new AbortController();
  let known = new Map<string, string>();
  let running: Promise<unknown> | undefined;
  let streaming = false;

  const relist = async (): Promise<void> => {
    const now = await fingerprints(runtime);
    for (const [uid, text] of now) if (known.get(uid) !== text) changed(uid);
    for (const uid of known.keys()) if (!now.has(uid)) changed(uid);
    known = now;
  };

  const listen = async (): Promise<void> => {
    const backoff = createBackoff({ initialMs: 200, maxMs: 5000 });
    while (!lifetime.signal.aborted) {
      try {
        await relist();
        health(undefined);
        streaming = true;
        for await (const event of runtime.events(lifetime.signal)) {
          backoff.reset();
          const uid = event.podSandboxStatus?.metadata?.uid;
          if (uid) changed(uid);
          else await relist();
        }
      } catch (error) {
        if (lifetime.signal.aborted) return;
        if (isCriUnimplemented(error)) log.warn('the runtime reports no events; its lists are compared instead');
        else log.warn('the runtime does not answer', { error: messageOf(error) });
        if (!isCriUnimplemented(error)) health(messageOf(error));
      }
      streaming = false;
      await delay(backoff.next(), lifetime.signal);
    }
  };

  const compare = async (): Promise<void> => {
    while (!lifetime.signal.aborted) {
      await delay(relistMs, lifetime.signal);
      if (lifetime.signal.aborted || !streaming) continue;
      await relist().catch((error: unknown) => log.warn('lists could not be compared', { error: messageOf(error) }));
    }
  };

  return {
    start() {
      running ??= Promise.all([listen(), compare()]);
    },
    async stop() {
      lifetime.abort();
      await running;
    },
  };
}
