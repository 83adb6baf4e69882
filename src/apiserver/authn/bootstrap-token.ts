import { timingSafeEqual } from 'node:crypto';
import type { Registry } from '../registry/types.ts';
import type { TokenAuthenticator } from './authenticator.ts';
import { find } from './found.ts';

const pattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

/** Tokens `id.secret` kept in Secrets `bootstrap-token-<id>` of kube-system, good for what `usage-bootstrap-authentication` allows. */
export function bootstrapTokenAuthenticator(registry: Registry, now: () => number = Date.now): TokenAuthenticator {
  return async (token) => {
    const [, id, secret] = pattern.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const stored = await find(registry, 'secrets', 'kube-system', `bootstrap-token-${id}`);
    if (stored?.type !== 'bootstrap.kubernetes.io/token' || stored.metadata.deletionTimestamp) return undefined;
    const { data = {} } = stored;
    const value = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
    const expected = Buffer.from(value('token-secret'));
    const given = Buffer.from(secret);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    if (value('token-id') !== id || value('usage-bootstrap-authentication') !== 'true') return undefined;
    const expiration = value('expiration');
    if (expiration !== '' && !(Date.parse(expiration) > now())) return undefined;
    const extra = value('auth-extra-groups')
      .split(',')
      .map((group) => group.trim())
      .filter((group) => group.startsWith('system:bootstrappers:'));
    return {
      user: { name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra, 'system:authenticated'] },
    };
  };
}
