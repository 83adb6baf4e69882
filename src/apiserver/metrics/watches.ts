import type { RequestInfo } from '../http/request-info.ts';
import type { WatchEvent } from '../registry/types.ts';
import { createCounters } from './counter.ts';
import { createHistograms } from './histogram.ts';

const sizes = Array.from({ length: 8 }, (_, i) => 1024 * 2 ** i);
const listBounds = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60];
const labels = ['group', 'resource', 'version'];

/** What one watch is sent. */
export interface WatchedMetrics {
  sent(events: readonly WatchEvent[]): void;
  /** All that was there at the start has been sent. */
  listed(): void;
}

/** What watchers are sent, under upstream's names. */
export function createWatchMetrics() {
  const total = createCounters({ name: 'apiserver_watch_events_total', help: 'Events sent to watchers.', labels });
  const bytes = createHistograms({ name: 'apiserver_watch_events_sizes', help: 'Their bytes.', labels, bounds: sizes });
  const lists = createHistograms({
    name: 'apiserver_watch_list_duration_seconds',
    help: 'Time until a watch that begins with a list has sent that.',
    labels: ['group', 'resource', 'scope', 'version'],
    bounds: listBounds,
  });
  return {
    watched({ group, resource, version, namespace, name }: RequestInfo): WatchedMetrics {
      const began = performance.now();
      const scope = name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
      const size = bytes.of(group, resource, version);
      return {
        sent(events) {
          total.add(events.length, group, resource, version);
          for (const { stored } of events) size.observe(stored.bytes.length);
        },
        listed: () => lists.of(group, resource, scope, version).observe((performance.now() - began) / 1000),
      };
    },
    render: (): string => total.render() + bytes.render() + lists.render(),
  };
}

export type WatchMetrics = ReturnType<typeof createWatchMetrics>;
