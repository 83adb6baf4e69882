import type { KubernetesObject } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import type { Registry } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';
import type { TokenAuthenticator } from './authenticator.ts';
import { decodeJwt, type TokenKey, verifyJwt } from './jwt.ts';

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
  now?: () => number;
}

/** How far clocks may differ, and how long a deleted object still counts. */
const leewaySeconds = 60;

type Found = KubernetesObject & { secrets?: { name?: string }[]; data?: Record<string, string>; type?: string };

async function find(registry: Registry, resource: string, namespace: string, name: string): Promise<Found | undefined> {
  try {
    return (await registry.store('', resource).get({ namespace, name })).object as Found;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

const deletedBefore = (object: KubernetesObject, seconds: number): boolean =>
  object.metadata.deletionTimestamp !== undefined && Date.parse(object.metadata.deletionTimestamp) / 1000 < seconds;

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

/**
 * Bound tokens (TokenRequest) and the legacy ones in Secrets. A token is good while what it is bound to exists with the
 * same uid: the account, and the pod, secret or node. Upstream: `pkg/serviceaccount/{claims,legacy}.go`.
 */
export function serviceAccountAuthenticator(options: ServiceAccountTokenOptions): TokenAuthenticator {
  const { registry } = options;
  const now = options.now ?? Date.now;

  const bound = async (claims: Record<string, unknown>, private_: BoundClaims): Promise<UserInfo> => {
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
    return serviceAccountUser({ namespace, name, uid, extra: extraOf(claims, private_) });
  };

  const legacy = async (claims: Record<string, unknown>, token: string): Promise<UserInfo> => {
    const claim = (part: string): string => String(claims[`kubernetes.io/serviceaccount/${part}`] ?? '');
    const namespace = claim('namespace');
    const [name, uid, secretName] = [claim('service-account.name'), claim('service-account.uid'), claim('secret.name')];
    if (claims.sub !== `system:serviceaccount:${namespace}:${name}`) throw new Error('sub claim does not match');
    const secret = await find(registry, 'secrets', namespace, secretName);
    if (!secret || deletedBefore(secret, now() / 1000)) throw new Error('service account token has been invalidated');
    if (Buffer.from(secret.data?.token ?? '', 'base64').toString() !== token)
      throw new Error("service account token does not match server's copy");
    const account = await find(registry, 'serviceaccounts', namespace, name);
    if (!account || account.metadata.uid !== uid) throw new Error('service account token has been invalidated');
    return serviceAccountUser({ namespace, name, uid });
  };

  return async (token, audiences) => {
    const jwt = decodeJwt(token);
    if (!jwt) return undefined;
    const { claims } = jwt;
    const isLegacy = claims.iss === 'kubernetes/serviceaccount';
    if (!isLegacy && !options.issuers.includes(String(claims.iss))) return undefined;
    if (!verifyJwt(jwt, options.keys)) throw new Error('invalid signature');
    const private_ = claims['kubernetes.io'];
    const wanted = audiences ?? options.audiences;
    if (isLegacy || typeof private_ !== 'object' || private_ === null)
      return { user: await legacy(claims, token), audiences: wanted.filter((a) => options.audiences.includes(a)) };
    const given = (Array.isArray(claims.aud) ? claims.aud : [claims.aud]).map(String);
    const matching = wanted.filter((audience) => given.includes(audience));
    if (matching.length === 0)
      throw new Error(
        `token audiences [${given.map((a) => `"${a}"`).join(' ')}] is invalid for the target audiences [${wanted.map((a) => `"${a}"`).join(' ')}]`,
      );
    return { user: await bound(claims, private_ as BoundClaims), audiences: matching };
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
