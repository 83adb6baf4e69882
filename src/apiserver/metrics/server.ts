import { historyCapacity } from '../registry/history.ts';
import type { Registry } from '../registry/types.ts';
import { versionInfo } from '../version.ts';
import { renderFamilies } from './text.ts';

export interface ServerMetricsOptions {
  registry: Registry;
  /** By APIService: whether it can be reached. */
  apiServices: () => ReadonlyMap<string, boolean>;
  storedBytes: number | undefined;
  /** By name of the feature. */
  features: ReadonlyMap<string, { readonly stage: string; readonly on: boolean }>;
}

function versionLabels(gitVersion: string): Record<string, string> {
  const [binary = '', major = '', minor = ''] = /^v?((\d+)\.(\d+)\.\d+)/.exec(gitVersion)?.slice(1) ?? [];
  return { binary, component: 'kube', emulation: `${major}.${minor}`, min_compat: `${major}.${Number(minor) - 1}` };
}

/** What is stored, what is behind, and which version this is, under upstream's names. */
export function renderServer({ registry, apiServices, storedBytes, features }: ServerMetricsOptions): string {
  const stocks = registry.definitions().flatMap(({ group, resource }) => {
    const stock = registry.stock(group, resource);
    return stock ? [{ group, resource, ...stock }] : [];
  });
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = versionInfo();
  const build = {
    build_date: buildDate,
    compiler,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    git_version: gitVersion,
    go_version: goVersion,
    major,
    minor,
    platform,
  };
  const ofStock = (value: (stock: (typeof stocks)[number]) => number) =>
    stocks.map((stock) => ({ labels: { group: stock.group, resource: stock.resource }, value: value(stock) }));
  return renderFamilies([
    {
      name: 'apiserver_resource_objects',
      type: 'gauge',
      help: 'Stored objects of each resource.',
      samples: ofStock(({ count }) => count),
    },
    {
      name: 'apiserver_resource_size_estimate_bytes',
      type: 'gauge',
      help: 'Their size together, roughly.',
      samples: ofStock(({ count, bytes }) => count * bytes),
    },
    {
      name: 'apiserver_storage_events_received_total',
      type: 'counter',
      help: 'Changes of each resource that the datastore has told of.',
      samples: ofStock(({ counts }) => counts.received),
    },
    {
      name: 'apiserver_watch_cache_events_received_total',
      type: 'counter',
      help: 'The same, as they came into what watchers are served from.',
      samples: ofStock(({ counts }) => counts.received),
    },
    {
      name: 'apiserver_watch_cache_events_dispatched_total',
      type: 'counter',
      help: 'What of that watchers could be told.',
      samples: ofStock(({ counts }) => counts.dispatched),
    },
    {
      name: 'apiserver_watch_cache_resource_version',
      type: 'gauge',
      help: 'How far what watchers are served from has come.',
      samples: ofStock(({ revision }) => revision),
    },
    {
      name: 'watch_cache_capacity',
      type: 'gauge',
      help: 'The most changes of each resource that are kept in memory.',
      samples: ofStock(() => historyCapacity),
    },
    {
      name: 'apiserver_init_events_total',
      type: 'counter',
      help: 'Objects that watches began with.',
      samples: ofStock(({ counts }) => counts.initialEvents),
    },
    {
      name: 'apiserver_watch_cache_consistent_read_total',
      type: 'counter',
      help: 'Lists of what is newest; none has to ask the datastore.',
      samples: stocks
        .filter(({ counts }) => counts.newestLists > 0)
        .map(({ group, resource, counts }) => ({
          labels: { fallback: 'false', group, resource, success: 'true' },
          value: counts.newestLists,
        })),
    },
    {
      name: 'apiserver_cache_list_fetched_objects_total',
      type: 'counter',
      help: 'Objects that were looked at for lists.',
      samples: stocks.map(({ group, resource, counts }) => ({
        labels: { group, index: '', resource },
        value: counts.fetched,
      })),
    },
    {
      name: 'apiserver_storage_objects',
      type: 'gauge',
      help: 'Stored objects of each resource, by its full name.',
      samples: stocks.map(({ group, resource, count }) => ({
        labels: { resource: group === '' ? resource : `${resource}.${group}` },
        value: count,
      })),
    },
    {
      name: 'apiserver_storage_size_bytes',
      type: 'gauge',
      help: 'What the store takes.',
      samples: storedBytes === undefined ? [] : [{ labels: { storage_cluster_id: 'etcd-0' }, value: storedBytes }],
    },
    {
      name: 'aggregator_unavailable_apiservice',
      type: 'gauge',
      help: 'APIServices that cannot be reached.',
      samples: [...apiServices()].map(([name, available]) => ({ labels: { name }, value: available ? 0 : 1 })),
    },
    {
      name: 'kubernetes_feature_enabled',
      type: 'gauge',
      help: 'Which features are on.',
      samples: [...features].map(([name, { stage, on }]) => ({
        labels: { name, stage: stage === 'GA' ? '' : stage.toUpperCase() },
        value: on ? 1 : 0,
      })),
    },
    {
      name: 'version_info',
      type: 'gauge',
      help: 'The version of Kubernetes that this server is.',
      samples: [{ labels: versionLabels(gitVersion), value: 1 }],
    },
    {
      name: 'kubernetes_build_info',
      type: 'gauge',
      help: 'The version of this server.',
      samples: [{ labels: build, value: 1 }],
    },
  ]);
}
