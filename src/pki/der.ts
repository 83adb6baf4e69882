import asn1 from 'node-forge/lib/asn1.js';
import { KnarrError } from '../base/errors.ts';

/** A node of an ASN.1 tree. */
export type Der = ReturnType<typeof asn1.create>;

const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;

const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export const sequence = (...children: Der[]): Der => asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, children);
export const set = (...children: Der[]): Der => asn1.create(UNIVERSAL, asn1.Type.SET, true, children);
export const oid = (dotted: string): Der =>
  asn1.create(UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(dotted).getBytes());
export const utf8 = (text: string): Der =>
  asn1.create(UNIVERSAL, asn1.Type.UTF8, false, binary(Buffer.from(text, 'utf8')));
export const octets = (bytes: Uint8Array): Der => asn1.create(UNIVERSAL, asn1.Type.OCTETSTRING, false, binary(bytes));
export const boolean = (value: boolean): Der =>
  asn1.create(UNIVERSAL, asn1.Type.BOOLEAN, false, value ? '\xff' : '\x00');

/** A non-negative integer from its big-endian bytes; the shortest form is made here. */
export function integer(bytes: Uint8Array): Der {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const short = Buffer.from(bytes.subarray(start));
  const signed = (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
  return asn1.create(UNIVERSAL, asn1.Type.INTEGER, false, binary(signed));
}

/** A bit string; `unused` bits of the last byte do not count. */
export const bits = (bytes: Uint8Array, unused = 0): Der =>
  asn1.create(UNIVERSAL, asn1.Type.BITSTRING, false, binary(Buffer.concat([Buffer.of(unused), bytes])));

/** Context-specific tag `[n]` around children (constructed) or bytes (primitive). */
export const tagged = (tag: number, content: Der[] | Uint8Array): Der =>
  Array.isArray(content)
    ? asn1.create(CONTEXT_SPECIFIC, tag, true, content)
    : asn1.create(CONTEXT_SPECIFIC, tag, false, binary(content));

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
export const time = (date: Date): Der =>
  date.getUTCFullYear() < 2050
    ? asn1.create(UNIVERSAL, asn1.Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(UNIVERSAL, asn1.Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));

export const encode = (node: Der): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');

/** Already encoded DER as a node of a larger tree. */
export const embed = (der: Uint8Array): Der => decode(der);

/** Parses DER; throws KnarrError `malformed-der`. */
export function decode(der: Uint8Array): Der {
  try {
    // The declared types know `strict` alone; a bit string that happens to look like DER must stay one.
    const options = { strict: true, parseAllBytes: true, decodeBitStrings: false };
    return asn1.fromDer(binary(der), options as unknown as boolean);
  } catch (cause) {
    throw new KnarrError({ code: 'malformed-der', blame: 'user', message: 'the bytes are not valid DER', cause });
  }
}

/** The children of a constructed node; throws for a primitive one. */
export function children(node: Der | undefined): Der[] {
  if (node === undefined || typeof node.value === 'string')
    throw new KnarrError({ code: 'malformed-der', blame: 'user', message: 'a constructed ASN.1 value was expected' });
  return node.value;
}

/** The content bytes of a primitive node; throws for a constructed one. */
export function content(node: Der | undefined): Buffer {
  if (node === undefined || typeof node.value !== 'string')
    throw new KnarrError({ code: 'malformed-der', blame: 'user', message: 'a primitive ASN.1 value was expected' });
  return Buffer.from(node.value, 'latin1');
}

/** The dotted form of an OBJECT IDENTIFIER node. */
export const oidOf = (node: Der | undefined): string => asn1.derToOid(content(node).toString('latin1'));
