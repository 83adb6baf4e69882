import type { DiscoveryGroup, DiscoveryResource, DiscoveryVersion } from './model.ts';

/** Discovery in its forms, as plain data. */

const groupVersion = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`);

export function apiVersions(serverAddress: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

const groupFields = (group: DiscoveryGroup): object => {
  const versions = group.versions.map(({ version }) => ({
    groupVersion: groupVersion(group.name, version),
    version,
  }));
  return { name: group.name, versions, preferredVersion: versions[0] };
};

export const apiGroup = (group: DiscoveryGroup): object => ({
  kind: 'APIGroup',
  apiVersion: 'v1',
  ...groupFields(group),
});

export const apiGroupList = (groups: readonly DiscoveryGroup[]): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groups.filter((group) => group.name !== '').map(groupFields),
});

function plainResources(resource: DiscoveryResource): object[] {
  const { resource: name, singular, namespaced, kind, verbs, shortNames, categories, storageVersionHash } = resource;
  return [
    {
      name,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      ...(shortNames.length > 0 ? { shortNames } : {}),
      ...(categories.length > 0 ? { categories } : {}),
      ...(storageVersionHash ? { storageVersionHash } : {}),
    },
    ...resource.subresources.map((sub) => ({
      name: `${name}/${sub.name}`,
      singularName: '',
      namespaced,
      ...(sub.kind.group === '' ? {} : { group: sub.kind.group }),
      ...(sub.kind.version === '' ? {} : { version: sub.kind.version }),
      kind: sub.kind.kind,
      verbs: sub.verbs,
    })),
  ];
}

export function apiResourceList(group: string, version: DiscoveryVersion): object {
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: groupVersion(group, version.version),
    resources: version.resources.flatMap(plainResources),
  };
}

function aggregatedResource(resource: DiscoveryResource): object {
  const { shortNames, categories, subresources } = resource;
  return {
    resource: resource.resource,
    responseKind: { group: '', version: '', kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0
      ? {
          subresources: subresources.map(({ name, kind, verbs }) => ({ subresource: name, responseKind: kind, verbs })),
        }
      : {}),
  };
}

/** `apidiscovery.k8s.io/v2`: everything in one answer. */
export function aggregated(groups: readonly DiscoveryGroup[], apiVersion: string): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group.name === '' ? {} : { name: group.name },
      versions: group.versions.map((version) => ({
        version: version.version,
        resources: version.resources.map(aggregatedResource),
        freshness: version.freshness,
      })),
    })),
  };
}
