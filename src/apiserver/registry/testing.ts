import { silent } from '../../base/log.ts';
import { createMemoryBackend } from '../../store/memory-backend.ts';
import { createRegistry, type RegistryOptions, type RunningRegistry } from './registry.ts';
import type { Draft, RequestContext, ResourceStore, Stored } from './types.ts';

/** A request of nobody in particular; for tests. */
export const testContext: RequestContext = {
  user: { name: 'tester', groups: ['system:masters'] },
  dryRun: false,
  fieldManager: 'test',
  fieldValidation: 'Strict',
  warn() {},
  signal: new AbortController().signal,
};

/** A started registry in memory, and short ways to use it; for tests. */
export async function startRegistry(options: Partial<RegistryOptions> = {}) {
  const backend = options.backend ?? createMemoryBackend();
  await backend.start();
  const registry: RunningRegistry = createRegistry({ log: silent, ...options, backend });
  await registry.start();
  return {
    backend,
    registry,
    async stop(): Promise<void> {
      await registry.stop();
      await backend.stop();
    },
    use: (group: string, resource: string) => useStore(registry.store(group, resource)),
  };
}

function useStore(store: ResourceStore) {
  const { definition } = store;
  const at = (name: string, subresource?: string) => ({
    context: testContext,
    place: { namespace: definition.namespaced ? 'default' : '', name },
    subresource,
  });
  const draft = (name: string, fields: object): Draft => {
    const { metadata, ...rest } = structuredClone(fields) as { metadata?: object };
    const { group, storageVersion, kind } = definition;
    const apiVersion = group === '' ? storageVersion : `${group}/${storageVersion}`;
    const place = definition.namespaced ? { namespace: 'default' } : {};
    const { schema } = store.version;
    return schema.decode(
      { apiVersion, kind, metadata: { name, ...place, ...metadata }, ...rest } as Draft,
      testContext,
    );
  };
  const plain = <T>(stored: Stored): T => structuredClone(stored.object) as T;
  return {
    store,
    at,
    draft,
    create: async <T = Draft>(name: string, fields: object = {}): Promise<T> =>
      plain((await store.create(at(name), draft(name, fields))).stored),
    get: async <T = Draft>(name: string, subresource?: string): Promise<T> =>
      plain(await store.get(at(name).place, { subresource })),
    put: async <T = Draft>(name: string, object: object, subresource?: string): Promise<T> =>
      plain((await store.update(at(name, subresource), structuredClone(object) as Draft)).stored),
    merge: async <T = Draft>(name: string, body: object, subresource?: string): Promise<T> =>
      plain((await store.patch(at(name, subresource), { type: 'merge', body })).stored),
    post: async <T = Draft>(name: string, subresource: string, object: object): Promise<T> =>
      plain((await store.create(at(name, subresource), object as Draft)).stored),
    delete: (name: string, options = {}) => store.delete(at(name), options),
  };
}
