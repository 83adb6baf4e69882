import type { APIGroupList, APIResourceList } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject, Resource } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';

/** A resource as the server serves it now, custom ones too. */
export interface ServedResource extends Resource<KubernetesObject> {
  readonly verbs: readonly string[];
}

export interface Discovery {
  readonly resources: readonly ServedResource[];
  /** Group versions that could not be asked (an extension server that is away), with the reason. */
  readonly failures: ReadonlyMap<string, string>;
}

/** All resources, each in its group's preferred version (or the first that serves it); subresources left out. */
export async function discover(client: Client, signal?: AbortSignal): Promise<Discovery> {
  const groups = (await client.raw({ method: 'GET', path: '/apis', signal })) as APIGroupList;
  const versions: { group: string; version: string; path: string }[] = [{ group: '', version: 'v1', path: '/api/v1' }];
  for (const group of groups.groups) {
    const preferred = group.preferredVersion?.groupVersion;
    const sorted = group.versions.toSorted(
      (a, b) => Number(b.groupVersion === preferred) - Number(a.groupVersion === preferred),
    );
    for (const { groupVersion, version } of sorted) {
      versions.push({ group: group.name, version, path: `/apis/${groupVersion}` });
    }
  }
  const failures = new Map<string, string>();
  const lists = await Promise.all(
    versions.map(async ({ path }) => {
      try {
        return (await client.raw({ method: 'GET', path, signal })) as APIResourceList;
      } catch (error) {
        failures.set(path.replace(/^\/apis?\//, ''), error instanceof Error ? error.message : String(error));
        return undefined;
      }
    }),
  );
  const found = new Map<string, ServedResource>();
  for (const [i, { group, version }] of versions.entries()) {
    for (const { name, kind, namespaced, verbs } of lists[i]?.resources ?? []) {
      const key = `${name}.${group}`;
      if (name.includes('/') || found.has(key)) continue;
      found.set(key, { group, version, resource: name, kind, namespaced, verbs });
    }
  }
  return { resources: [...found.values()], failures };
}

export const supports = (resource: ServedResource, ...verbs: readonly string[]): boolean =>
  verbs.every((verb) => resource.verbs.includes(verb));
