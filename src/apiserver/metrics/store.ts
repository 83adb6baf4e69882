import type { Backend } from '../../store/backend.ts';
import { namesOfPrefix, prefixOfKey } from '../registry/keys.ts';
import { createCounters } from './counter.ts';
import { createHistograms, type Series } from './histogram.ts';

const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

/** What the datastore is asked and how long it takes, under the names that upstream has for etcd; and what is listed of it. */
export function createStoreMetrics() {
  const labels = ['group', 'operation', 'resource'];
  const total = createCounters({ name: 'etcd_requests_total', help: 'What the datastore was asked.', labels });
  const failed = createCounters({ name: 'etcd_request_errors_total', help: 'What it refused or failed at.', labels });
  const times = createHistograms({
    name: 'etcd_request_duration_seconds',
    help: 'Time until what was written is durable, and what is read is here.',
    labels,
    bounds,
  });
  const byIndex = ['group', 'index', 'resource'];
  const lists = createCounters({
    name: 'apiserver_cache_list_total',
    help: 'Lists that were answered.',
    labels: byIndex,
  });
  const listed = createCounters({
    name: 'apiserver_cache_list_returned_objects_total',
    help: 'The objects on them.',
    labels: ['group', 'resource'],
  });
  const fromStore = (what: string, help: string) =>
    createCounters({ name: `apiserver_storage_list_${what}total`, help, labels: ['group', 'resource'] });
  const storeLists = fromStore('', 'Lists that were read from the datastore.');
  /** All that is fetched is what was asked for. */
  const storeListed = [
    fromStore('fetched_objects_', 'The objects on them.'),
    fromStore('evaluated_objects_', 'Those that were looked at.'),
    fromStore('returned_objects_', 'Those that were given on.'),
  ];
  const noteList = (prefix: string, objects: number): void => {
    const { group, resource } = namesOfPrefix(prefixOfKey(prefix));
    storeLists.count(group, resource);
    for (const counters of storeListed) counters.add(objects, group, resource);
  };
  const series = new Map<string, { values: readonly string[]; time: Series }>();

  const observe = async <T>(operation: string, key: string, answer: Promise<T>, good: (value: T) => boolean) => {
    const began = performance.now();
    const at = `${operation} ${prefixOfKey(key)}`;
    let found = series.get(at);
    if (!found) {
      const { group, resource } = namesOfPrefix(prefixOfKey(key));
      const values = [group, operation, resource];
      found = { values, time: times.of(...values) };
      series.set(at, found);
    }
    total.count(...found.values);
    let ok = false;
    try {
      const value = await answer;
      ok = good(value);
      return value;
    } finally {
      if (!ok) failed.count(...found.values);
      found.time.observe((performance.now() - began) / 1000);
    }
  };

  return {
    /** The same datastore, its reads and writes counted. */
    measured(backend: Backend): Backend {
      const measured: Backend = Object.create(backend);
      measured.write = (operation) => {
        const { value, expected, key } = operation;
        const name = value === undefined ? 'delete' : expected === 0 ? 'create' : 'update';
        return observe(name, key, backend.write(operation), (result) => result.ok);
      };
      measured.list = (request) =>
        observe('list', request.prefix, backend.list(request), ({ entries }) => {
          noteList(request.prefix, entries.length);
          return true;
        });
      return measured;
    },
    listed(group: string, resource: string, objects: number): void {
      lists.count(group, '', resource);
      listed.add(objects, group, resource);
    },
    render: (): string =>
      [total, failed, times, lists, listed, storeLists, ...storeListed].map((family) => family.render()).join(''),
  };
}

export type StoreMetrics = ReturnType<typeof createStoreMetrics>;
