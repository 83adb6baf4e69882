import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** A key that signs or verifies service-account tokens, with the id that upstream gives it. */
export interface TokenKey {
  readonly id: string;
  readonly algorithm: 'ES256' | 'ES384' | 'ES512' | 'RS256';
  readonly publicKey: KeyObject;
  readonly privateKey?: KeyObject | undefined;
}

const hashOf: Record<TokenKey['algorithm'], string> = {
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
  RS256: 'sha256',
};

function algorithmOf(key: KeyObject): TokenKey['algorithm'] {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return 'ES256';
  if (curve === 'secp384r1') return 'ES384';
  if (curve === 'secp521r1') return 'ES512';
  throw new TypeError(
    `a service-account key must be RSA or ECDSA, this one is ${key.asymmetricKeyType} ${curve ?? ''}`,
  );
}

/** Reads a PEM private or public key. The id is the SHA-256 of the public key's DER form, as upstream names keys. */
export function tokenKey(pem: string | Buffer): TokenKey {
  const text = pem.toString();
  const privateKey = text.includes('PRIVATE KEY') ? createPrivateKey(text) : undefined;
  const publicKey = privateKey ? createPublicKey(text) : createPublicKey(text);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(der).digest('base64url'),
    algorithm: algorithmOf(publicKey),
    publicKey,
    privateKey,
  };
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export function signJwt(key: TokenKey, claims: object): string {
  if (!key.privateKey) throw new TypeError('this key has no private part');
  const input = `${part({ alg: key.algorithm, kid: key.id })}.${part(claims)}`;
  const signature = sign(hashOf[key.algorithm], Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${input}.${signature.toString('base64url')}`;
}

export interface DecodedJwt {
  header: { alg?: unknown; kid?: unknown };
  claims: Record<string, unknown>;
  input: string;
  signature: Buffer;
}

/** The parts of a compact JWT, unverified; undefined when the text is not one. */
export function decodeJwt(token: string): DecodedJwt | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const header: unknown = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString());
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString());
    if (typeof header !== 'object' || header === null || typeof claims !== 'object' || claims === null)
      return undefined;
    return {
      header,
      claims: claims as Record<string, unknown>,
      input: `${parts[0]}.${parts[1]}`,
      signature: Buffer.from(parts[2] ?? '', 'base64url'),
    };
  } catch {
    return undefined;
  }
}

/** Whether one of `keys` signed it. The algorithm is the key's own, never the header's choice. */
export function verifyJwt(jwt: DecodedJwt, keys: readonly TokenKey[]): boolean {
  return keys.some(
    (key) =>
      (jwt.header.kid === undefined || jwt.header.kid === key.id || keys.length === 1) &&
      jwt.header.alg === key.algorithm &&
      verify(
        hashOf[key.algorithm],
        Buffer.from(jwt.input),
        { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
        jwt.signature,
      ),
  );
}

/** The key set that `/openid/v1/jwks` publishes. */
export function jwks(keys: readonly TokenKey[]): object {
  return {
    keys: keys.map((key) => {
      const jwk = key.publicKey.export({ format: 'jwk' });
      return {
        use: 'sig',
        kty: jwk.kty,
        kid: key.id,
        crv: jwk.crv,
        alg: key.algorithm,
        x: jwk.x,
        y: jwk.y,
        n: jwk.n,
        e: jwk.e,
      };
    }),
  };
}
