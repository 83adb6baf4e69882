import type { TokenRequest } from '../api/gen/authentication-v1.ts';
import type { Client } from '../client/client.ts';
import type { NodePod } from './pod/pod.ts';

export interface PodToken {
  token: string;
  /** When a new one is to be asked for, ms since 1970. */
  renewAt: number;
}

/** Service-account tokens bound to pods, kept until four fifths of their life are over (a day at most). */
export interface TokenSource {
  token(
    pod: NodePod,
    request: { audience?: string | undefined; expirationSeconds: number; path: string },
  ): Promise<PodToken>;
  forget(podUid: string): void;
}

const day = 24 * 3600 * 1000;

export function createTokenSource(options: { client: Client; now?: () => number }): TokenSource {
  const { client, now = Date.now } = options;
  const cache = new Map<string, Map<string, PodToken>>();
  return {
    async token(pod, { audience, expirationSeconds, path }) {
      const { uid, name, namespace } = pod.metadata;
      const key = `${path}\0${audience ?? ''}\0${expirationSeconds}`;
      const known = cache.get(uid)?.get(key);
      if (known && known.renewAt > now()) return known;
      const account = pod.spec.serviceAccountName || 'default';
      const answer = (await client.raw({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: {},
          spec: {
            audiences: audience ? [audience] : [],
            expirationSeconds,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
          },
        },
      })) as TokenRequest;
      const expires = Date.parse(answer.status?.expirationTimestamp ?? '');
      const life = Number.isNaN(expires) ? expirationSeconds * 1000 : expires - now();
      const made = { token: answer.status?.token ?? '', renewAt: now() + Math.min(day, life * 0.8) };
      const ofPod = cache.get(uid) ?? new Map<string, PodToken>();
      cache.set(uid, ofPod.set(key, made));
      return made;
    },
    forget: (podUid) => void cache.delete(podUid),
  };
}
