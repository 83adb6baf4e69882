import type { Event, Node } from '../../api/gen/core-v1.ts';
import { events, nodes } from '../../api/gen/resources.ts';
import { createBackoff, delay } from '../../base/abort.ts';
import type { Component } from '../../base/component.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import type { Board } from './board.ts';

const clock = (time: string | null | undefined): string =>
  typeof time === 'string' ? time.replace(/^.*T(\d\d:\d\d:\d\d).*$/, '$1') : '';

/** `Ready since 10:11:12`, or what keeps it from that. */
export function nodeText(node: Node | undefined): string {
  if (node === undefined) return 'not registered yet';
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined) return 'registered';
  const since = ` since ${clock(ready.lastTransitionTime)}`;
  const cordoned = node.spec?.unschedulable ? ', cordoned' : '';
  if (ready.status === 'True') return `Ready${since}${cordoned}`;
  return `${ready.status === 'Unknown' ? 'not heard of' : 'not Ready'}${since}: ${ready.message ?? ready.reason ?? ''}`;
}

export function eventText({ lastTimestamp, eventTime, type, involvedObject, reason, message }: Event): string {
  const of = [involvedObject?.namespace, involvedObject?.name].filter((part) => part).join('/');
  const sign = type === 'Warning' ? '! ' : '';
  return `${clock(lastTimestamp ?? eventTime)} ${sign}${involvedObject?.kind ?? ''} ${of}: ${reason ?? ''}: ${message ?? ''}`;
}

export interface FeedOptions {
  board: Board;
  informers: InformerFactory;
  nodeName: string;
  /** Who may read events; an agent's node may not. */
  eventsFrom?: Client;
}

/** Writes on the board how the node does, and the events from now on; keeps nothing of its own. */
export function createFeed({ board, informers, nodeName, eventsFrom }: FeedOptions): Component {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  let release: (() => void) | undefined;
  let running: Promise<void> = Promise.resolve();

  const follow = async (client: Client): Promise<void> => {
    const backoff = createBackoff({ initialMs: 1_000, maxMs: 60_000 });
    while (!signal.aborted) {
      try {
        const { metadata } = await client.list(events, { limit: 1, signal });
        const resourceVersion = metadata.resourceVersion;
        for await (const { type, object } of client.watch(events, { resourceVersion, signal }))
          if (type === 'ADDED' || type === 'MODIFIED') board.add('events', eventText(object));
        backoff.reset();
      } catch {
        // the console goes without; the log has what is wrong with the API
      }
      await delay(backoff.next(), signal);
    }
  };

  return {
    name: 'console-feed',
    async start() {
      const informer = informers.informer(nodes);
      const look = (): void => board.set({ node: nodeText(informer.get(nodeName)) });
      const own = (node: Node): void => {
        if (node.metadata.name === nodeName) look();
      };
      release = informer.addHandler({ add: own, update: own, delete: own });
      look();
      if (eventsFrom !== undefined) running = follow(eventsFrom);
    },
    async stop() {
      lifetime.abort();
      release?.();
      await running;
    },
  };
}
