import { constants, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

/** The algorithms of JSON web signatures that are believed: those with a public key. */
export const signatureAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

const curves: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

export interface VerificationKey {
  readonly id: string;
  readonly key: KeyObject;
  /** Where the set says which one the key is for. */
  readonly algorithm: string | undefined;
}

/** The keys of a JSON web key set that can verify; others are passed over. */
export function keysOfSet(set: unknown): VerificationKey[] {
  const { keys } = (set ?? {}) as { keys?: (JsonWebKey & { kid?: string; alg?: string; use?: string })[] };
  if (!Array.isArray(keys)) throw new Error('there are no keys');
  return keys.flatMap((jwk) => {
    if (jwk.kty !== 'RSA' && jwk.kty !== 'EC') return [];
    try {
      return [{ id: jwk.kid ?? '', key: createPublicKey({ key: jwk, format: 'jwk' }), algorithm: jwk.alg }];
    } catch {
      return [];
    }
  });
}

/** Whether `key` made the signature by that very algorithm. */
export function verifySignature(
  algorithm: string,
  { key, algorithm: only }: VerificationKey,
  input: string,
  signature: Buffer,
): boolean {
  if (!signatureAlgorithms.some((known) => known === algorithm) || (only !== undefined && only !== algorithm))
    return false;
  const hash = `sha${algorithm.slice(2)}`;
  const data = Buffer.from(input);
  if (algorithm.startsWith('ES')) {
    if (key.asymmetricKeyDetails?.namedCurve !== curves[algorithm]) return false;
    return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
  }
  if (key.asymmetricKeyType !== 'rsa') return false;
  if (algorithm.startsWith('RS')) return verify(hash, data, key, signature);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify(hash, data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_AUTO }, signature);
}
