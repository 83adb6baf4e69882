import { createHash, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { KnarrError } from '../base/errors.ts';
import { bits, boolean, type Der, embed, encode, integer, octets, oid, sequence, tagged, time } from './der.ts';
import { generateKey, publicKeyInfo } from './keys.ts';
import { encodeAlternativeNames, encodeSubject, type Subject } from './names.ts';
import { encodePem } from './pem.ts';

/** A certificate (PEM, possibly followed by its chain) and the key that belongs to it. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: KeyObject;
}

export type ExtendedUsage = 'client' | 'server';

const OID = {
  ecdsaSha256: '1.2.840.10045.4.3.2',
  rsaSha256: '1.2.840.113549.1.1.11',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedUsage: '2.5.29.37',
  client: '1.3.6.1.5.5.7.3.2',
  server: '1.3.6.1.5.5.7.3.1',
} as const;

/** KeyUsage bits, most significant first (RFC 5280, 4.2.1.3). */
const keyUsages = {
  authority: bits(Buffer.of(0b10100110), 1), // digitalSignature, keyEncipherment, keyCertSign, cRLSign
  leaf: bits(Buffer.of(0b10100000), 5), // digitalSignature, keyEncipherment
};

const day = 86_400_000;

const extension = (id: string, critical: boolean, value: Der): Der =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(encode(value)));

/** Method 1 of RFC 5280, 4.2.1.2: SHA-1 of the public key's bits; names a key, protects nothing. */
function keyId(spki: Buffer): Buffer {
  const keyBits = embed(spki).value[1] as Der;
  return createHash('sha1')
    .update(Buffer.from(keyBits.value as string, 'latin1').subarray(1))
    .digest();
}

/** AlgorithmIdentifier of what `signWith` makes for this key. */
export const signatureAlgorithm = (key: KeyObject): Der =>
  key.asymmetricKeyType === 'rsa'
    ? sequence(oid(OID.rsaSha256), embed(Buffer.of(5, 0)))
    : sequence(oid(OID.ecdsaSha256));

/** A DER structure with its algorithm and signature, as certificates and requests have it. */
export const signed = (body: Der, key: KeyObject): Buffer =>
  encode(sequence(body, signatureAlgorithm(key), bits(sign('sha256', encode(body), key))));

export interface CertificateOptions {
  subject: Subject;
  publicKey: KeyObject;
  /** Who signs; absent for a self-signed authority. */
  issuer?: KeyPair;
  signingKey?: KeyObject;
  authority?: boolean;
  usages?: readonly ExtendedUsage[];
  alternativeNames?: readonly string[];
  notBefore?: Date;
  notAfter: Date;
}

/** Makes one certificate (PEM). */
export function createCertificate(options: CertificateOptions): string {
  const { subject, publicKey, issuer, authority = false, usages = [], alternativeNames = [], notAfter } = options;
  const signingKey = issuer?.key ?? options.signingKey;
  if (signingKey === undefined)
    throw new KnarrError({
      code: 'no-signer',
      blame: 'bug',
      message: 'a certificate needs an issuer or a signing key',
    });
  const spki = publicKeyInfo(publicKey);
  const issuerName = issuer === undefined ? encodeSubject(subject) : subjectOf(issuer.certificate);
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f;
  const body = sequence(
    tagged(0, [integer(Buffer.of(2))]),
    integer(serial),
    signatureAlgorithm(signingKey),
    issuerName,
    sequence(time(options.notBefore ?? new Date(Date.now() - 60_000)), time(notAfter)),
    encodeSubject(subject),
    embed(spki),
    tagged(3, [
      sequence(
        extension(OID.keyUsage, true, authority ? keyUsages.authority : keyUsages.leaf),
        ...(usages.length === 0
          ? []
          : [extension(OID.extendedUsage, false, sequence(...usages.map((usage) => oid(OID[usage]))))]),
        ...(authority ? [extension(OID.basicConstraints, true, sequence(boolean(true)))] : []),
        ...(authority ? [extension(OID.subjectKeyId, false, octets(keyId(spki)))] : []),
        extension(OID.authorityKeyId, false, sequence(tagged(0, keyId(publicKeyInfo(signingKey))))),
        ...(alternativeNames.length === 0
          ? []
          : [extension(OID.alternativeNames, false, encodeAlternativeNames(alternativeNames))]),
      ),
    ]),
  );
  return encodePem('CERTIFICATE', signed(body, signingKey));
}

/** The Name under which a certificate was issued, byte for byte: an issuer's field must repeat it. */
function subjectOf(pem: string): Der {
  const fields = (embed(new X509Certificate(pem).raw).value[0] as Der).value as Der[];
  return fields[5] as Der; // version, serial, algorithm, issuer, validity, subject
}

/** A new self-signed authority, valid ten years. */
export async function createAuthority(commonName: string, now = new Date()): Promise<KeyPair> {
  const key = await generateKey();
  const certificate = createCertificate({
    subject: { commonName },
    publicKey: key,
    signingKey: key,
    authority: true,
    notBefore: new Date(now.getTime() - 60_000),
    notAfter: new Date(now.getTime() + 3650 * day),
  });
  return { certificate, key };
}

/** A leaf for `publicKey` under an authority, valid a year, never longer than its issuer. */
export function issueLeaf(options: {
  issuer: KeyPair;
  publicKey: KeyObject;
  subject: Subject;
  usages: readonly ExtendedUsage[];
  alternativeNames?: readonly string[];
  days?: number;
  now?: Date;
}): string {
  const { issuer, days = 365, now = new Date() } = options;
  const issuerEnd = new Date(new X509Certificate(issuer.certificate).validTo).getTime();
  return createCertificate({
    ...options,
    notBefore: new Date(now.getTime() - 60_000),
    notAfter: new Date(Math.min(now.getTime() + days * day, issuerEnd)),
  });
}
