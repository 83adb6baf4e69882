import type { Registry } from '../registry/types.ts';
import { versionInfo } from '../version.ts';
import { renderFamilies } from './text.ts';

export interface ServerMetricsOptions {
  registry: Registry;
  /** By APIService: whether it can be reached. */
  apiServices: () => ReadonlyMap<string, boolean>;
  storedBytes: number | undefined;
}

/** What is stored, what is behind, and which version this is, under upstream's names. */
export function renderServer({ registry, apiServices, storedBytes }: ServerMetricsOptions): string {
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
      name: 'kubernetes_build_info',
      type: 'gauge',
      help: 'The version of this server.',
      samples: [{ labels: build, value: 1 }],
    },
  ]);
}
