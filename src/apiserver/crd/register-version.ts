import type { APIService } from '../../api/gen/apiregistration-v1.ts';
import { isApiError } from '../../api/status.ts';
import { serverContext } from '../bootstrap/context.ts';
import { ensure } from '../bootstrap/ensure.ts';
import type { Draft, Registry } from '../registry/types.ts';

const managed = 'kube-aggregator.kubernetes.io/automanaged';

/** Every served version of a custom group has an APIService, as those of the built-in groups. */
export async function registerVersion(registry: Registry, group: string, version: string): Promise<void> {
  await ensure(registry, {
    group: 'apiregistration.k8s.io',
    resource: 'apiservices',
    object: {
      metadata: { name: `${version}.${group}`, labels: { [managed]: 'true' } },
      spec: { group, version, groupPriorityMinimum: 1000, versionPriority: 100 },
    } as Draft,
  });
}

export async function registeredVersions(registry: Registry): Promise<{ group: string; version: string }[]> {
  const { items } = await registry.store('apiregistration.k8s.io', 'apiservices').list({});
  return items
    .map(({ object }) => object as unknown as APIService)
    .filter(({ metadata }) => metadata.labels?.[managed] === 'true')
    .map(({ spec }) => ({ group: spec?.group ?? '', version: spec?.version ?? '' }));
}

export async function unregisterVersion(registry: Registry, group: string, version: string): Promise<void> {
  const place = { namespace: '', name: `${version}.${group}` };
  try {
    await registry.store('apiregistration.k8s.io', 'apiservices').delete({ context: serverContext, place }, {});
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}
