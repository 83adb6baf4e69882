import type { Logger } from '../../base/log.ts';
import type { Backend } from '../../store/backend.ts';
import { recordNetworks, repairAddresses } from './allocators/address-objects.ts';
import { type Broadcaster, createBroadcaster } from './broadcaster.ts';
import { type Cache, createCache } from './cache.ts';
import { createCompactor } from './compactor.ts';
import { convertTo } from './convert.ts';
import type { Core, View } from './core.ts';
import { builtinDefinitions } from './definitions.ts';
import { createHub } from './hub.ts';
import { createRefresher } from './refresh.ts';
import { createResourceStore } from './resource-store.ts';
import type { ServiceNetwork } from './strategies/service-network.ts';
import type { Admission, Draft, Registry, ResourceDefinition, ResourceStore, ResourceVersion } from './types.ts';
import { createVerbs } from './verbs.ts';
import { kindOf } from './watch.ts';

export interface RegistryOptions {
  backend: Backend;
  log: Logger;
  /** What is served from the start; more may be added later. Default: everything that is built in. */
  definitions?: readonly ResourceDefinition[];
  /** Where Services get their addresses and ports from. */
  services?: ServiceNetwork;
  /** May be set later by `setAdmission`, before anything is written. */
  admission?: Admission;
  /** How long changes can be watched and paged through; default 5 minutes. */
  historyMs?: number;
  bookmarkMs?: number;
}

/** The registry with its life: reads everything at start, and owns neither the backend nor the admission chain. */
export interface RunningRegistry extends Registry {
  start(): Promise<void>;
  stop(): Promise<void>;
  setAdmission(admission: Admission): void;
}

interface Served {
  readonly core: Core;
  readonly broadcaster: Broadcaster;
  readonly stores: ReadonlyMap<string, ResourceStore>;
}

const admitAll: Admission = { mutate: () => false, validate() {} };

export function createRegistry(options: RegistryOptions): RunningRegistry {
  const { backend, log, historyMs = 300_000, bookmarkMs = 60_000 } = options;
  const hub = createHub({ backend, log });
  const compactor = createCompactor({ backend, log, keepMs: historyMs, onAged: hub.expire });
  const served = new Map<string, Served>();
  const listeners = new Set<() => void>();
  let admission = options.admission ?? admitAll;
  let timer: NodeJS.Timeout | undefined;

  const chain: Admission = {
    mutate: (attributes) => admission.mutate(attributes),
    validate: (attributes) => admission.validate(attributes),
  };
  const serve = (definition: ResourceDefinition, cache: Cache): void => {
    const broadcaster = createBroadcaster(cache);
    const base = { definition, cache, hub, backend, broadcaster, registry, log };
    const refresh = createRefresher(definition, cache.fields);
    const core: Core = { ...base, refresh, admission: chain, verbs: createVerbs(() => core, storedView(definition)) };
    const stores = new Map(
      definition.versions.map((v) => [v.version, createResourceStore(core, viewOf(definition, v))]),
    );
    served.set(nameOf(definition), { core, broadcaster, stores });
  };
  const sendBookmarks = (): void => {
    for (const { core, broadcaster } of served.values()) {
      if (broadcaster.watchers > 0) broadcaster.bookmark(kindOf(core), hub.revision());
    }
  };
  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const recordServices = async ({ cidrs }: ServiceNetwork): Promise<void> => {
    await recordNetworks(registry, cidrs);
    for (const problem of await repairAddresses(registry)) log.warn('an IPAddress could not be repaired', { problem });
  };

  const registry: RunningRegistry = {
    async start() {
      for (const definition of options.definitions ?? builtinDefinitions({ services: options.services })) {
        const shared = definition.storedWith && served.get(nameOf(definition.storedWith))?.core.cache;
        const cache = shared ?? createCache(definition);
        if (!shared) await hub.attach(cache);
        serve(definition, cache);
      }
      await hub.start();
      if (options.services) await recordServices(options.services);
      timer = setInterval(sendBookmarks, bookmarkMs);
      timer.unref();
      compactor.start();
    },
    async stop() {
      clearInterval(timer);
      for (const { broadcaster } of served.values()) broadcaster.closeAll();
      await compactor.stop();
      hub.stop();
    },
    setAdmission(next) {
      admission = next;
    },
    lookup(group, version, resource) {
      return served.get(nameOf({ group, resource }))?.stores.get(version);
    },
    stock(group, resource) {
      const cache = served.get(nameOf({ group, resource }))?.core.cache;
      if (!cache) return undefined;
      const [first] = cache.range('');
      return { count: cache.size, bytes: first?.bytes.length ?? 0, counts: cache.counts, revision: hub.revision() };
    },
    store(group, resource) {
      const found = served.get(nameOf({ group, resource }));
      const store = found?.stores.get(found.core.definition.storageVersion);
      if (!store) throw new Error(`${nameOf({ group, resource })} is not served`);
      return store;
    },
    definitions: () => [...served.values()].map(({ core }) => core.definition),
    async add(definition) {
      const before = served.get(nameOf(definition));
      if (before) before.broadcaster.closeAll();
      const cache = createCache(definition);
      await hub.attach(cache);
      serve(definition, cache);
      changed();
    },
    async remove(group, resource) {
      const found = served.get(nameOf({ group, resource }));
      if (!found) return;
      served.delete(nameOf({ group, resource }));
      found.broadcaster.closeAll();
      hub.detach(found.core.cache);
      changed();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    currentRevision: () => backend.currentRevision(),
  };
  return registry;
}

const nameOf = ({ group, resource }: { group: string; resource: string }): string => `${resource}.${group}`;

function storedView(definition: ResourceDefinition): View {
  const version = definition.versions.find((v) => v.version === definition.storageVersion);
  if (!version) throw new Error(`${nameOf(definition)} is stored in a version that it does not have`);
  return viewOf(definition, version);
}

function viewOf(definition: ResourceDefinition, version: ResourceVersion): View {
  const { group, kind, storageVersion, storedWith } = definition;
  const gvk = { group, version: version.version, kind };
  const storedAs = { group: storedWith?.group ?? group, version: storedWith?.version ?? storageVersion, kind };
  const converts = storedAs.group !== gvk.group || storedAs.version !== gvk.version;
  const convert = (object: Draft, to: typeof gvk) => convertTo(definition, object, to);
  return {
    version,
    gvk,
    converts,
    toStored: (object) => (converts ? convert(object, storedAs) : object),
    toView: (object) => (converts ? convert(object, gvk) : object),
  };
}
