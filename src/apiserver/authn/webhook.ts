import type { RemoteService } from '../remote/service.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly audiences?: readonly string[];
  readonly error?: string;
}

const answersKept = 4096;

/** Asks a service by TokenReview. Upstream: `plugin/pkg/authenticator/token/webhook`. */
export function createTokenWebhook(options: {
  service: RemoteService;
  version: 'v1' | 'v1beta1';
  /** How long answers, good and bad, are believed; 0 asks each time. */
  cacheTtlMs: number;
  /** What the API stands for: the audiences of answers that name none. */
  audiences: readonly string[];
  now?: () => number;
}): TokenAuthenticator {
  const { service, version, cacheTtlMs, audiences: implicit, now = Date.now } = options;
  const known = new Map<string, { status: ReviewStatus; until: number }>();
  const apiVersion = `authentication.k8s.io/${version}`;

  const ask = async (token: string, audiences: readonly string[]): Promise<ReviewStatus> => {
    const answer = (await service.post({
      kind: 'TokenReview',
      apiVersion,
      metadata: {},
      spec: { token, audiences },
      status: { user: {} },
    })) as { kind?: string; apiVersion?: string; status?: ReviewStatus } | null;
    if (answer?.kind !== 'TokenReview' || answer.apiVersion !== apiVersion)
      throw new Error(`no kind "${answer?.kind ?? ''}" is registered for version "${answer?.apiVersion ?? ''}"`);
    return answer.status ?? {};
  };
  const found = (status: ReviewStatus, wanted: readonly string[]): AuthenticatedToken | undefined => {
    const given = status.audiences && status.audiences.length > 0 ? status.audiences : implicit;
    const audiences = wanted.filter((audience) => given.includes(audience));
    if (audiences.length === 0) return undefined;
    if (!status.authenticated) {
      if (status.error) throw new Error(status.error);
      return undefined;
    }
    const { username = '', uid, groups = [], extra } = status.user ?? {};
    return { user: { name: username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }, audiences };
  };

  return async (token, audiences) => {
    const wanted = audiences ?? implicit;
    const key = JSON.stringify([token, wanted]);
    const before = known.get(key);
    if (before && before.until > now()) return found(before.status, wanted);
    const status = await ask(token, wanted);
    // A service that could not say is asked again.
    if (cacheTtlMs > 0 && (status.authenticated || !status.error)) {
      if (known.size >= answersKept) known.clear();
      known.set(key, { status, until: now() + cacheTtlMs });
    }
    return found(status, wanted);
  };
}
