import type { KubernetesObject } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';

/** What a token may be bound to: an account, a secret, a pod or a node. */
export type Found = KubernetesObject & {
  secrets?: { name?: string }[];
  data?: Record<string, string>;
  type?: string;
};

export async function find(
  registry: Registry,
  resource: string,
  namespace: string,
  name: string,
): Promise<Found | undefined> {
  try {
    return (await registry.store('', resource).get({ namespace, name })).object as Found;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

export function serviceAccountUser(options: {
  namespace: string;
  name: string;
  uid: string;
  extra?: Record<string, string[]>;
}): UserInfo {
  const { namespace, name, uid, extra } = options;
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
  };
}
