import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { KnarrError } from '../base/errors.ts';

/** A cluster's token: the full form carries the hash by which a joining node knows the server's authority. */
export interface JoinToken {
  readonly caHash?: string | undefined;
  readonly user: string;
  readonly password: string;
}

/** SHA-256 of the authority's PEM text, as `K10…` carries it. */
export const caHash = (caPem: string): string => createHash('sha256').update(caPem).digest('hex');

export const formatToken = (caPem: string, user: string, password: string): string =>
  `K10${caHash(caPem)}::${user}:${password}`;

/** `[a-z0-9]{6}.[a-z0-9]{16}`: the form of kubeadm's bootstrap tokens. */
export const bootstrapTokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

/**
 * Reads `K10<sha256>::<user>:<password>`, a bootstrap token (with or without the K10 prefix), or a bare password.
 * Throws KnarrError `malformed-token`.
 */
export function parseToken(text: string, defaultUser = 'node'): JoinToken {
  const token = text.trim();
  const refuse = (message: string): never => {
    throw new KnarrError({ code: 'malformed-token', blame: 'user', message });
  };
  if (token === '') return refuse('the token is empty');
  if (!token.startsWith('K10')) return { user: defaultUser, password: token };
  const match = /^K10([0-9a-f]{64})::(.+)$/.exec(token);
  if (match === null) return refuse('the token starts with K10 but is not K10<sha256 of the CA>::<user>:<password>');
  const [, hash, rest = ''] = match;
  if (bootstrapTokenPattern.test(rest)) return { caHash: hash, user: defaultUser, password: rest };
  const colon = rest.indexOf(':');
  if (colon <= 0 || colon === rest.length - 1) return refuse('the token lacks its user or its password');
  return { caHash: hash, user: rest.slice(0, colon), password: rest.slice(colon + 1) };
}

/** Throws KnarrError `ca-mismatch` when the token names another authority than `caPem`. */
export function checkAuthority(token: JoinToken, caPem: string): void {
  if (token.caHash === undefined || token.caHash === caHash(caPem)) return;
  throw new KnarrError({
    code: 'ca-mismatch',
    blame: 'user',
    message:
      "token CA hash does not match the Cluster CA certificate hash: the token is another cluster's, or something sits between",
    details: { expected: token.caHash, received: caHash(caPem) },
  });
}

/** A password of 32 hexadecimal digits. */
export const generatePassword = (): string => randomBytes(16).toString('hex');

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const letterRow = (length: number): string => Array.from({ length }, () => letters[randomInt(letters.length)]).join('');

export const generateBootstrapToken = (): string => `${letterRow(6)}.${letterRow(16)}`;

/** Compares secrets in constant time for equal lengths. */
export function sameSecret(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
