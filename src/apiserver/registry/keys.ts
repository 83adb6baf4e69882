import type { Place } from './types.ts';

interface Names {
  readonly group: string;
  readonly resource: string;
}

export const root = '/registry/';

/** `/registry/apps/deployments/`; the core group is called `core`. */
export function resourcePrefix({ group, resource }: Names): string {
  return `${root}${group === '' ? 'core' : group}/${resource}/`;
}

/** The names behind a resource's prefix; of any other key, nothing. */
export function namesOfPrefix(prefix: string): Names {
  const [group = '', resource = ''] = prefix.slice(root.length).split('/');
  return { group: group === 'core' ? '' : group, resource };
}

/** The key of one object: with its namespace where it has one. */
export function keyOf(prefix: string, { namespace, name }: Place): string {
  return namespace === '' ? `${prefix}${name}` : `${prefix}${namespace}/${name}`;
}

/** The prefix of the resource that a key belongs to. */
export function prefixOfKey(key: string): string {
  const group = key.indexOf('/', root.length);
  return key.slice(0, key.indexOf('/', group + 1) + 1);
}

export function placeOfKey(key: string, prefix: string, namespaced: boolean): Place {
  const rest = key.slice(prefix.length);
  if (!namespaced) return { namespace: '', name: rest };
  const slash = rest.indexOf('/');
  return { namespace: rest.slice(0, slash), name: rest.slice(slash + 1) };
}

/** Where upstream keeps a resource, where that is not under its own name. Its messages show these keys. */
const upstreamFolders: Readonly<Record<string, string>> = {
  'services.': 'services/specs',
  'endpoints.': 'services/endpoints',
  'nodes.': 'minions',
  'ingresses.networking.k8s.io': 'ingress',
  'replicationcontrollers.': 'controllers',
  'apiservices.apiregistration.k8s.io': 'apiregistration.k8s.io/apiservices',
  'customresourcedefinitions.apiextensions.k8s.io': 'apiextensions.k8s.io/customresourcedefinitions',
};

/** The key as upstream's messages show it. */
export function shownKey(names: Names, { namespace, name }: Place): string {
  const folder = upstreamFolders[`${names.resource}.${names.group}`] ?? names.resource;
  return `${root}${folder}/${namespace === '' ? '' : `${namespace}/`}${name}`;
}
