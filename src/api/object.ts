import type { ListMeta, ObjectMeta } from './gen/meta-v1.ts';

/** What every API object has. Objects read from the API are frozen and always carry `metadata`. */
export interface KubernetesObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ObjectMeta;
}

/** A list as the API answers it. */
export interface KubernetesList<T> {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ListMeta;
  items: T[];
}

/** A typed handle of one served resource: which path it has and what its objects are. `T` exists for the compiler only. */
export interface Resource<T> {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly objectType?: T;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(resource: { group: string; version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/**
 * The URL path of a resource, of one object when `name` is given, of a subresource of it when `subresource` is.
 * A namespaced resource without `namespace` means all namespaces.
 */
export function resourcePath(
  resource: { group: string; version: string; resource: string },
  at: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined } = {},
): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const inNamespace = at.namespace ? `/namespaces/${encodeURIComponent(at.namespace)}` : '';
  const name = at.name ? `/${encodeURIComponent(at.name)}` : '';
  const sub = at.subresource ? `/${at.subresource}` : '';
  return `${root}${inNamespace}/${resource.resource}${name}${sub}`;
}
