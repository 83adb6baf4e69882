import { isDns1123Label, isDns1123Subdomain } from '../../../api/names.ts';
import type { UserInfo } from '../../server.ts';

const nodePrefix = 'system:node:';

/** The node that a user name stands for. */
export function nodeOfUser(username: string): string | undefined {
  if (!username.startsWith(nodePrefix)) return undefined;
  const name = username.slice(nodePrefix.length);
  return isDns1123Subdomain(name).length === 0 ? name : undefined;
}

/** The service account that a user name stands for. */
export function accountOfUser(username: string): { namespace: string; name: string } | undefined {
  const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]*):([^:]*)$/.exec(username) ?? [];
  return isDns1123Label(namespace).length === 0 && isDns1123Subdomain(name).length === 0
    ? { namespace, name }
    : undefined;
}

const nodeNameKey = 'authentication.kubernetes.io/node-name';

/** The one node on which a service account's token is used. */
export function nodeOfAccount(asker: UserInfo): string | undefined {
  if (!accountOfUser(asker.name)) return undefined;
  const [node, ...more] = asker.extra?.[nodeNameKey] ?? [];
  return more.length === 0 ? node : undefined;
}

/** Why a key cannot be one of a user's extras, as upstream words it. */
export function extraKeyProblem(key: string): string | undefined {
  if (key === '') return 'impersonating the empty string key in extra is not allowed';
  const invalid = (value: string, why: string): string =>
    `impersonating an invalid key in extra is not allowed: extra.key: Invalid value: ${JSON.stringify(value)}: ${why}`;
  const slash = key.indexOf('/');
  if (slash <= 0 || slash === key.length - 1)
    return invalid(key, 'must be a domain-prefixed path (such as "acme.io/foo")');
  const host = key.slice(0, slash);
  const hostProblem = isDns1123Subdomain(host)[0];
  if (hostProblem !== undefined) return invalid(host, hostProblem);
  const path = key.slice(slash + 1);
  if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path))
    return invalid(path, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
  return key === key.toLowerCase()
    ? undefined
    : `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`;
}
