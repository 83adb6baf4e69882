import { readFileSync } from 'node:fs';

/** A kind as discovery names it; group and version are left out where they are the resource's own. */
export interface DiscoveredKind {
  group?: string;
  version?: string;
  kind: string;
}

export interface DiscoveredResource {
  resource: string;
  responseKind: DiscoveredKind;
  scope: 'Namespaced' | 'Cluster';
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string; responseKind: DiscoveredKind; verbs: string[] }[];
}

export interface DiscoveredGroup {
  metadata: { name?: string };
  versions: { version: string; resources: DiscoveredResource[] }[];
}

/** The groups that are served by default, the core group first, in upstream's order. */
export function discoveryFacts(): DiscoveredGroup[] {
  const facts = JSON.parse(readFileSync(new URL('./facts/discovery.json', import.meta.url), 'utf8')) as Record<
    'api' | 'apis',
    { items: DiscoveredGroup[] }
  >;
  return [...facts.api.items, ...facts.apis.items];
}
