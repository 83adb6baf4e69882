import type { DiscoveryResource } from '../discovery/model.ts';

interface PlainResource {
  name: string;
  singularName?: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  group?: string;
  version?: string;
}

/** What an APIResourceList says, in the form of our own discovery. */
export function resourcesOf(list: unknown): DiscoveryResource[] {
  const all = ((list as { resources?: PlainResource[] } | null)?.resources ?? []) as PlainResource[];
  return all
    .filter(({ name }) => !name.includes('/'))
    .map((r) => ({
      resource: r.name,
      singular: r.singularName ?? '',
      kind: r.kind,
      namespaced: r.namespaced,
      verbs: r.verbs,
      shortNames: r.shortNames ?? [],
      categories: r.categories ?? [],
      storageVersionHash: undefined,
      subresources: all
        .filter(({ name }) => name.startsWith(`${r.name}/`))
        .map((s) => ({
          name: s.name.slice(r.name.length + 1),
          kind: { group: s.group ?? '', version: s.version ?? '', kind: s.kind },
          verbs: s.verbs,
        })),
    }));
}
