import type { KubernetesObject } from '../../api/object.ts';
import type { Logger } from '../../base/log.ts';
import type { Registry } from '../registry/types.ts';
import type { AuthenticatedToken, TokenAuthenticator, TokenNotes } from './authenticator.ts';
import { find, serviceAccountUser } from './found.ts';
import { decodeJwt, type TokenKey, verifyJwt } from './jwt.ts';
import { legacyIssuer, legacyTokens } from './legacy-token.ts';
import type { TokenMetrics } from './token-metrics.ts';

interface Reference {
  name?: string;
  uid?: string;
}

/** The private claims of a bound token. */
export interface BoundClaims {
  namespace?: string;
  serviceaccount?: Reference;
  pod?: Reference;
  secret?: Reference;
  node?: Reference;
  warnafter?: number;
}

export interface ServiceAccountTokenOptions {
  registry: Registry;
  keys: readonly TokenKey[];
  /** The first one is put into new tokens; tokens of the others are accepted too. */
  issuers: readonly string[];
  /** Audiences that the API itself stands for. */
  audiences: readonly string[];
  metrics: TokenMetrics;
  log: Logger;
  now?: () => number;
}

/** How far clocks may differ, and how long a deleted object still counts. */
const leewaySeconds = 60;

const deletedBefore = (object: KubernetesObject, seconds: number): boolean =>
  object.metadata.deletionTimestamp !== undefined && Date.parse(object.metadata.deletionTimestamp) / 1000 < seconds;

/**
 * Bound tokens (TokenRequest) and the legacy ones in Secrets. A token is good while what it is bound to exists with the
 * same uid: the account, and the pod, secret or node. Upstream: `pkg/serviceaccount/{claims,legacy}.go`.
 */
export function serviceAccountAuthenticator(options: ServiceAccountTokenOptions): TokenAuthenticator {
  const { registry, metrics } = options;
  const now = options.now ?? Date.now;

  const bound = async (claims: Record<string, unknown>, private_: BoundClaims): Promise<AuthenticatedToken> => {
    const seconds = now() / 1000;
    if (typeof claims.exp === 'number' && seconds > claims.exp + leewaySeconds)
      throw new Error('service account token has expired');
    if (typeof claims.nbf === 'number' && seconds < claims.nbf - leewaySeconds)
      throw new Error('service account token is not valid yet');
    const namespace = private_.namespace ?? '';
    const { name = '', uid = '' } = private_.serviceaccount ?? {};
    const cut = seconds - leewaySeconds;
    const account = await find(registry, 'serviceaccounts', namespace, name);
    if (!account) throw new Error(`serviceaccounts "${name}" not found`);
    if (account.metadata.uid !== uid)
      throw new Error(`service account UID (${account.metadata.uid}) does not match claim (${uid})`);
    if (deletedBefore(account, cut)) throw new Error(`service account ${namespace}/${name} has been deleted`);
    const check = async (resource: string, what: string, place: string, reference: Reference): Promise<void> => {
      const object = await find(registry, resource, place, reference.name ?? '');
      if (!object || deletedBefore(object, cut)) throw new Error('service account token has been invalidated');
      if (object.metadata.uid !== reference.uid)
        throw new Error(
          `${what} UID (${object.metadata.uid}) does not match service account ${what} ref claim (${reference.uid})`,
        );
    };
    const { pod, secret, node } = private_;
    if (secret) await check('secrets', 'secret', namespace, secret);
    if (pod) await check('pods', 'pod', namespace, pod);
    else if (node) await check('nodes', 'node', '', node);
    return {
      user: serviceAccountUser({ namespace, name, uid, extra: extraOf(claims, private_) }),
      notes: noteAge(String(claims.sub ?? ''), private_.warnafter, Math.floor(seconds)),
    };
  };

  /** Tokens that were extended for the sake of old clients: whether this one ought to have been renewed. */
  const noteAge = (subject: string, warnAfter: number | undefined, seconds: number): TokenNotes | undefined => {
    if (!warnAfter) return undefined;
    if (seconds <= warnAfter) {
      metrics.valid.count();
      return undefined;
    }
    metrics.stale.count();
    const told = `subject: ${subject}, seconds after warning threshold: ${seconds - warnAfter}`;
    return { annotations: { 'authentication.k8s.io/stale-token': told }, warnings: [] };
  };

  const legacy = legacyTokens({ registry, metrics, log: options.log, now });

  return async (token, audiences) => {
    const jwt = decodeJwt(token);
    if (!jwt) return undefined;
    const { claims } = jwt;
    const isLegacy = claims.iss === legacyIssuer;
    if (!isLegacy && !options.issuers.includes(String(claims.iss))) return undefined;
    if (!verifyJwt(jwt, options.keys)) throw new Error('invalid signature');
    const private_ = claims['kubernetes.io'];
    const wanted = audiences ?? options.audiences;
    if (isLegacy || typeof private_ !== 'object' || private_ === null)
      return { ...(await legacy(claims, token)), audiences: wanted.filter((a) => options.audiences.includes(a)) };
    const given = (Array.isArray(claims.aud) ? claims.aud : [claims.aud]).map(String);
    const matching = wanted.filter((audience) => given.includes(audience));
    if (matching.length === 0)
      throw new Error(
        `token audiences [${given.map((a) => `"${a}"`).join(' ')}] is invalid for the target audiences [${wanted.map((a) => `"${a}"`).join(' ')}]`,
      );
    return { ...(await bound(claims, private_ as BoundClaims)), audiences: matching };
  };
}

function extraOf(claims: Record<string, unknown>, { pod, node }: BoundClaims): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  const put = (key: string, value: string | undefined): void => {
    if (value) extra[`authentication.kubernetes.io/${key}`] = [value];
  };
  put('credential-id', typeof claims.jti === 'string' ? `JTI=${claims.jti}` : undefined);
  put('node-name', node?.name);
  put('node-uid', node?.uid);
  put('pod-name', pod?.name);
  put('pod-uid', pod?.uid);
  return extra;
}
