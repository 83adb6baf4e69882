import { isIP } from 'node:net';
import { children, content, type Der, oid, oidOf, sequence, set, tagged, utf8 } from './der.ts';

/** A distinguished name, as far as Kubernetes gives it a meaning: CN is the user, O are the groups. */
export interface Subject {
  commonName: string;
  organizations?: readonly string[];
}

const OID = { commonName: '2.5.4.3', organization: '2.5.4.10' } as const;

const attribute = (type: string, value: string): Der => set(sequence(oid(type), utf8(value)));

export const encodeSubject = (subject: Subject): Der =>
  sequence(
    ...(subject.organizations ?? []).map((o) => attribute(OID.organization, o)),
    attribute(OID.commonName, subject.commonName),
  );

/** Reads CN and all O of a Name; other attributes are ignored. */
export function decodeSubject(name: Der | undefined): Required<Subject> {
  const attributes = children(name)
    .flatMap((rdn) => children(rdn))
    .map((pair) => {
      const [type, value] = children(pair);
      return { type: oidOf(type), value: content(value).toString('utf8') };
    });
  return {
    commonName: attributes.find((a) => a.type === OID.commonName)?.value ?? '',
    organizations: attributes.filter((a) => a.type === OID.organization).map((a) => a.value),
  };
}

/** The sixteen or four bytes of an address. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const groups = (text: string): number[] =>
    text
      .split(':')
      .filter((g) => g !== '')
      .flatMap((g) => {
        if (g.includes('.')) return [...addressBytes(g)];
        const n = Number.parseInt(g, 16);
        return [n >> 8, n & 0xff];
      });
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  return Buffer.from([...left, ...new Array<number>(Math.max(0, 16 - left.length - right.length)).fill(0), ...right]);
}

/** The text form of an address given as bytes. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** Subject alternative names: what parses as an address becomes an iPAddress, all else a dNSName. */
export const encodeAlternativeNames = (names: readonly string[]): Der =>
  sequence(
    ...names.map((name) => (isIP(name) === 0 ? tagged(2, Buffer.from(name, 'ascii')) : tagged(7, addressBytes(name)))),
  );

/** Names of a certificate beside its subject; those that nothing here looks at are only counted. */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly emails: number;
  readonly uris: number;
  readonly other: number;
}

/** DNS names and addresses of a GeneralNames value; other forms (URI, e-mail) are given apart. */
export function decodeAlternativeNames(names: Der): AlternativeNames {
  const result = { dns: [] as string[], ips: [] as string[], emails: 0, uris: 0, other: 0 };
  for (const name of children(names)) {
    if (Number(name.type) === 2) result.dns.push(content(name).toString('ascii'));
    else if (Number(name.type) === 7) result.ips.push(addressText(content(name)));
    else if (Number(name.type) === 1) result.emails++;
    else if (Number(name.type) === 6) result.uris++;
    else result.other++;
  }
  return result;
}
