import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { KnarrError } from '../base/errors.ts';
import { signed } from './certificate.ts';
import {
  children,
  content,
  type Der,
  decode,
  embed,
  encode,
  integer,
  octets,
  oid,
  oidOf,
  sequence,
  set,
  tagged,
} from './der.ts';
import { publicKeyInfo } from './keys.ts';
import {
  type AlternativeNames,
  decodeAlternativeNames,
  decodeSubject,
  encodeAlternativeNames,
  encodeSubject,
  type Subject,
} from './names.ts';
import { encodePem, firstPem } from './pem.ts';

/** By the algorithm of the signature. */
const digests: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

const OID = { extensionRequest: '1.2.840.113549.1.9.14', alternativeNames: '2.5.29.17' } as const;

/** A PKCS#10 request, read and its signature checked. */
export interface CertificateRequest {
  readonly subject: Required<Subject>;
  readonly publicKey: KeyObject;
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly emails: number;
  readonly uris: number;
  /** How many alternative names there are of other forms (e-mail, URI, …). */
  readonly otherNames: number;
}

const extensionRequest = (names: readonly string[]): Der =>
  sequence(
    oid(OID.extensionRequest),
    set(sequence(sequence(oid(OID.alternativeNames), octets(encode(encodeAlternativeNames(names)))))),
  );

/** A PKCS#10 request (PEM) for the public half of `key`. */
export function createRequest(options: {
  key: KeyObject;
  subject: Subject;
  alternativeNames?: readonly string[];
}): string {
  const { key, subject, alternativeNames = [] } = options;
  const body = sequence(
    integer(Buffer.of(0)),
    encodeSubject(subject),
    embed(publicKeyInfo(key)),
    tagged(0, alternativeNames.length === 0 ? [] : [extensionRequest(alternativeNames)]),
  );
  return encodePem('CERTIFICATE REQUEST', signed(body, key));
}

function requestedNames(attributes: Der | undefined): AlternativeNames {
  for (const attribute of attributes === undefined ? [] : children(attributes)) {
    const [type, values] = children(attribute);
    if (oidOf(type) !== OID.extensionRequest) continue;
    for (const extension of children(children(values)[0])) {
      const parts = children(extension);
      if (oidOf(parts[0]) === OID.alternativeNames) return decodeAlternativeNames(decode(content(parts.at(-1))));
    }
  }
  return { dns: [], ips: [], emails: 0, uris: 0, other: 0 };
}

/** Reads a PEM request; throws KnarrError `malformed-request` when it is none or its signature is wrong. */
export function parseRequest(pem: string): CertificateRequest {
  const refuse = (message: string, cause?: unknown): never => {
    throw new KnarrError({ code: 'malformed-request', blame: 'user', message, cause });
  };
  try {
    const [body, algorithm, signature] = children(
      decode(firstPem(pem, 'CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST').der),
    );
    const [, subject, spki, attributes] = children(body);
    if (body === undefined || spki === undefined) return refuse('the certificate request is not complete');
    const publicKey = createPublicKey({ key: encode(spki), format: 'der', type: 'spki' });
    const digest = publicKey.asymmetricKeyType?.startsWith('ed') ? null : digests[oidOf(children(algorithm)[0])];
    if (digest === undefined) return refuse('the certificate request is signed by an algorithm that is not known');
    if (!verify(digest, encode(body), publicKey, content(signature).subarray(1)))
      return refuse('the signature of the certificate request does not match its key');
    const names = requestedNames(attributes);
    return {
      subject: decodeSubject(subject),
      publicKey,
      dnsNames: names.dns,
      addresses: names.ips,
      emails: names.emails,
      uris: names.uris,
      otherNames: names.other,
    };
  } catch (cause) {
    if (cause instanceof KnarrError && cause.code === 'malformed-request') throw cause;
    return refuse('the certificate request cannot be read', cause);
  }
}
