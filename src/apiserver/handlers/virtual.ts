import { type DiscoveredResource, discoveryFacts } from '../../api/discovery-facts.ts';
import type { ResourceDefinition, ResourceStore, ResourceVersion } from '../registry/types.ts';
import { notAllowed } from './router-errors.ts';

/** Resources that keep nothing: reviews, bindings, component statuses. Special handlers answer for them. */
export interface VirtualResources {
  readonly definitions: readonly ResourceDefinition[];
  lookup(group: string, version: string, resource: string): ResourceStore | undefined;
}

const refuse = (): never => {
  throw notAllowed();
};

function definitionOf(group: string, version: ResourceVersion, resource: DiscoveredResource): ResourceDefinition {
  return {
    group,
    resource: resource.resource,
    singular: resource.singularResource,
    kind: resource.responseKind.kind,
    listKind: `${resource.responseKind.kind}List`,
    namespaced: resource.scope === 'Namespaced',
    shortNames: resource.shortNames ?? [],
    categories: resource.categories ?? [],
    verbs: resource.verbs,
    subresources: [],
    versions: [version],
    storageVersion: version.version,
    strategy: {},
    selectableFields: {},
  };
}

/** A store in which nothing is; it carries the definition to the handlers. */
function storeOf(definition: ResourceDefinition, version: ResourceVersion): ResourceStore {
  return {
    definition,
    version,
    get: refuse,
    list: refuse,
    watch: refuse,
    create: refuse,
    update: refuse,
    patch: refuse,
    modify: refuse,
    delete: refuse,
    deleteCollection: refuse,
  };
}

export function createVirtualResources(): VirtualResources {
  const stores = new Map<string, ResourceStore>();
  for (const { metadata, versions } of discoveryFacts())
    for (const { version, resources } of versions)
      for (const resource of resources) {
        if (resource.verbs.includes('watch')) continue;
        const group = metadata.name ?? '';
        const served: ResourceVersion = {
          version,
          served: true,
          schema: {
            decode: (object) => object,
            applyDefaults() {},
            validateCreate: () => [],
            validateUpdate: () => [],
          },
        };
        stores.set(`${group}/${version}/${resource.resource}`, storeOf(definitionOf(group, served, resource), served));
      }
  return {
    definitions: [...stores.values()].map((store) => store.definition),
    lookup: (group, version, resource) => stores.get(`${group}/${version}/${resource}`),
  };
}
