import { createHash } from 'node:crypto';
import type { ResourceDefinition, SubresourceDefinition } from '../registry/types.ts';

/** One group and what it serves, ready to be written in either form of discovery. */
export interface DiscoveryGroup {
  readonly name: string;
  readonly versions: readonly DiscoveryVersion[];
}

export interface DiscoveryVersion {
  readonly version: string;
  readonly resources: readonly DiscoveryResource[];
  /** `Stale` when an aggregated server could not be asked lately. */
  readonly freshness: 'Current' | 'Stale';
}

export interface DiscoveryResource {
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceDefinition[];
  readonly storageVersionHash: string | undefined;
}

/** Upstream's order of the built-in groups (`groupPriorityMinimum`, highest first); others follow by name. */
const groupOrder = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
];

/** Whether a group is the server's own. */
export const isBuiltinGroup = (group: string): boolean => groupOrder.includes(group);

/** Whether a resource came by a definition. */
export const isCustom = ({ definition }: { definition: ResourceDefinition }): boolean =>
  !isBuiltinGroup(definition.group);

const rank = (group: string): number => {
  const index = groupOrder.indexOf(group);
  return index < 0 ? groupOrder.length : index;
};

/** `v1` before `v1beta2` before `v1alpha1` before anything else: upstream's `version.CompareKubeAwareVersionStrings`. */
export function compareVersions(a: string, b: string): number {
  const parse = (text: string): [number, number, number] | undefined => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
    if (!match) return undefined;
    return [match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0, Number(match[1]), Number(match[3] ?? 0)];
  };
  const left = parse(a);
  const right = parse(b);
  if (!left || !right) return left ? -1 : right ? 1 : a.localeCompare(b);
  for (let i = 0; i < 3; i++) {
    const difference = (right[i] ?? 0) - (left[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Upstream's `discovery.StorageVersionHash`. */
export function storageVersionHash(group: string, version: string, kind: string): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}

/** Discovery leaves the group and version out where they are the resource's own. */
function subresourceOf(
  definition: ResourceDefinition,
  version: string,
  sub: SubresourceDefinition,
): SubresourceDefinition {
  const { kind } = sub;
  const own = kind.group === definition.group && (kind.version === version || kind.kind === definition.kind);
  return own ? { ...sub, kind: { group: '', version: '', kind: kind.kind } } : sub;
}

function resourceOf(definition: ResourceDefinition, version: string): DiscoveryResource {
  const stored = definition.verbs.includes('list') && definition.verbs.includes('create');
  return {
    resource: definition.resource,
    singular: definition.singular,
    kind: definition.kind,
    namespaced: definition.namespaced,
    verbs: definition.verbs,
    shortNames: definition.shortNames,
    categories: definition.categories,
    subresources: definition.subresources.map((sub) => subresourceOf(definition, version, sub)),
    storageVersionHash: stored
      ? storageVersionHash(definition.group, definition.storageVersion, definition.kind)
      : undefined,
  };
}

/** All groups that are served, in order. */
export function discoveryGroups(definitions: readonly ResourceDefinition[]): DiscoveryGroup[] {
  const groups = new Map<string, Map<string, DiscoveryResource[]>>();
  for (const definition of definitions) {
    let versions = groups.get(definition.group);
    if (!versions) {
      versions = new Map();
      groups.set(definition.group, versions);
    }
    for (const { version, served } of definition.versions) {
      if (!served) continue;
      const resources = versions.get(version) ?? [];
      resources.push(resourceOf(definition, version));
      versions.set(version, resources);
    }
  }
  return [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
    .map(([name, versions]) => ({
      name,
      versions: [...versions]
        .sort(([a], [b]) => compareVersions(a, b))
        .map(([version, resources]) => ({
          version,
          freshness: 'Current',
          resources: resources.sort((a, b) => (a.resource < b.resource ? -1 : 1)),
        })),
    }));
}
