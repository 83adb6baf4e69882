import { timingSafeEqual } from 'node:crypto';
import { isApiError } from '../../api/status.ts';
import type { Registry } from '../registry/types.ts';
import type { TokenAuthenticator } from './authenticator.ts';

const pattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

/** Tokens `id.secret` kept in Secrets `bootstrap-token-<id>` of kube-system, good for what `usage-bootstrap-authentication` allows. */
export function bootstrapTokenAuthenticator(registry: Registry, now: () => number = Date.now): TokenAuthenticator {
  return async (token) => {
    const [, id, secret] = pattern.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    let data: Record<string, string>;
    try {
      const stored = await registry
        .store('', 'secrets')
        .get({ namespace: 'kube-system', name: `bootstrap-token-${id}` });
      const object = stored.object as { type?: string; data?: Record<string, string> };
      if (object.type !== 'bootstrap.kubernetes.io/token' || stored.object.metadata.deletionTimestamp) return undefined;
      data = object.data ?? {};
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
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
