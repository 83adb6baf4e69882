import { decodeJwt } from '../jwt.ts';
import type { IssuerKeys } from './issuer.ts';
import { verifySignature } from './signature.ts';

export type Claims = Readonly<Record<string, unknown>>;

export interface VerifierOptions {
  /** What the token must name as its issuer. */
  issuer: string;
  keys: IssuerKeys;
  algorithms: readonly string[];
  /** One of them must be among the token's. */
  audiences: readonly string[];
  now?: () => number;
}

const quoted = (list: readonly string[]): string => `[${list.map((text) => JSON.stringify(text)).join(' ')}]`;
const leewayMs = 60_000;
const goTime = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' +0000 UTC');

/** The claims of an ID token. Throws Error, worded as upstream's library, when it is not to be believed. */
export async function verifyIdToken(token: string, options: VerifierOptions): Promise<Claims> {
  const { issuer, keys, algorithms, audiences, now = Date.now } = options;
  const jwt = decodeJwt(token);
  if (!jwt) throw new Error('oidc: malformed jwt');
  const { alg, kid } = jwt.header;
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    throw new Error(
      `oidc: id token signed with unsupported algorithm, expected ${quoted(algorithms)} got ${JSON.stringify(alg ?? '')}`,
    );
  let good: boolean;
  try {
    good = await keys.verified(
      (key) => verifySignature(alg, key, jwt.input, jwt.signature),
      typeof kid === 'string' ? kid : '',
    );
  } catch (error) {
    throw new Error(`failed to verify signature: ${(error as Error).message}`);
  }
  if (!good) throw new Error('failed to verify signature: failed to verify id token signature');
  const { claims } = jwt;
  const { iss, aud, exp, nbf } = claims;
  const google = 'https://accounts.google.com';
  if (iss !== issuer && !(issuer === google && iss === 'accounts.google.com'))
    throw new Error(
      `oidc: id token issued by a different provider, expected ${JSON.stringify(issuer)} got ${JSON.stringify(iss ?? '')}`,
    );
  const given = (Array.isArray(aud) ? aud : aud === undefined ? [] : [aud]).map(String);
  if (!given.some((audience) => audiences.includes(audience)))
    throw new Error(
      `oidc: expected audience ${audiences.length === 1 ? JSON.stringify(audiences[0]) : `in ${quoted([...audiences].sort())}`} got ${quoted(given)}`,
    );
  const expiry = typeof exp === 'number' ? exp * 1000 : 0;
  if (expiry < now()) throw new Error(`oidc: token is expired (Token Expiry: ${goTime(expiry)})`);
  if (typeof nbf === 'number' && now() + leewayMs < nbf * 1000)
    throw new Error(`oidc: current time ${goTime(now())} before the nbf (not before) time: ${goTime(nbf * 1000)}`);
  return claims;
}
