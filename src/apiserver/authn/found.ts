import type { KubernetesObject } from '../../api/object.ts';
import { lookUp } from '../registry/look-up.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';

/** What a token may be bound to: an account, a secret, a pod or a node. */
export type Found = KubernetesObject & {
  secrets?: { name?: string }[];
  data?: Record<string, string>;
  type?: string;
};

/** An object of the core group, or undefined when there is none. */
export const find = async (
  registry: Registry,
  resource: string,
  namespace: string,
  name: string,
): Promise<Found | undefined> => lookUp(registry, { group: '', resource }, { namespace, name });

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
