import { badRequest, internalError } from '../../api/status.ts';
import {
  type Attributes,
  type Authorizer,
  refusal,
  type SettledAuthorizer,
  withDecisions,
} from '../authz/authorizer.ts';
import { type Exchange, headerOf } from '../http/exchange.ts';
import type { UserInfo } from '../server.ts';
import { splitHeader } from './x509.ts';

const extraPrefix = 'impersonate-extra-';

const attributes = (group: string, resource: string, name: string, more: Partial<Attributes> = {}): Attributes => ({
  isResource: true,
  path: '',
  verb: 'impersonate',
  group,
  version: group === '' ? 'v1' : 'v1',
  resource,
  subresource: '',
  namespace: '',
  name,
  ...more,
});

/**
 * The user as whom a request wants to act; the asker when it does not want to. Every part is authorized by itself.
 * Upstream: `apiserver/pkg/endpoints/filters/impersonation`.
 */
export function impersonate(
  asker: UserInfo,
  headers: Exchange['headers'],
  authorizer: Authorizer,
): UserInfo | Promise<UserInfo> {
  const name = headerOf(headers, 'impersonate-user');
  const groupHeader = headers['impersonate-group'];
  const uid = headerOf(headers, 'impersonate-uid');
  if (name === undefined && groupHeader === undefined && uid === undefined) return asker;
  if (!name) {
    throw internalError('requested impersonation without impersonating a user');
  }
  return withDecisions(authorizer, (settled) => impersonated(asker, headers, settled, name));
}

function impersonated(
  asker: UserInfo,
  headers: Exchange['headers'],
  authorizer: SettledAuthorizer,
  name: string,
): UserInfo {
  const groupHeader = headers['impersonate-group'];
  const uid = headerOf(headers, 'impersonate-uid');
  const require = (asked: Attributes): void => {
    const decision = authorizer.authorize(asker, asked);
    if (!decision.allowed) throw refusal(asker, asked, decision);
  };

  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  if (account) require(attributes('', 'serviceaccounts', account[2] ?? '', { namespace: account[1] ?? '' }));
  else require(attributes('', 'users', name));

  const groups = groupHeader === undefined ? [] : splitHeader(groupHeader);
  for (const group of groups) require(attributes('', 'groups', group));
  if (account && groups.length === 0) groups.push('system:serviceaccounts', `system:serviceaccounts:${account[1]}`);
  if (
    name !== 'system:anonymous' &&
    !groups.includes('system:authenticated') &&
    !groups.includes('system:unauthenticated')
  )
    groups.push('system:authenticated');
  if (name === 'system:anonymous' && !groups.includes('system:unauthenticated')) groups.push('system:unauthenticated');

  if (uid) require(attributes('authentication.k8s.io', 'uids', uid));
  const extra: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(extraPrefix) || value === undefined) continue;
    const key = decodeKey(header.slice(extraPrefix.length));
    const values = splitHeader(value);
    for (const item of values) require(attributes('authentication.k8s.io', 'userextras', item, { subresource: key }));
    extra[key] = values;
  }
  return { name, uid, groups, ...(Object.keys(extra).length > 0 ? { extra } : {}) };
}

function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest(`invalid impersonation header ${extraPrefix}${text}`);
  }
}
