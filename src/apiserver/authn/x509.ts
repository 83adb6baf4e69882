import { createHash, X509Certificate } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { unauthorized } from '../../api/status.ts';
import { decodeKey, headerOf, headerValues } from '../http/exchange.ts';
import type { UserInfo } from '../server.ts';
import type { Authenticator } from './authenticator.ts';

const many = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === 'string' && value !== '' ? [value] : [];

/** The certificates of a PEM bundle. */
export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
    (text) => new X509Certificate(text),
  );
}

/** Whether the peer's chain, which TLS has verified against all authorities together, leads to one of `authorities`. */
function leadsTo(certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean {
  let current: X509Certificate | undefined = certificate;
  for (let depth = 0; current && depth < 8; depth++) {
    const link: X509Certificate = current;
    if (authorities.some((ca) => link.checkIssued(ca) && link.verify(ca.publicKey))) return true;
    current = link.issuerCertificate === link ? undefined : link.issuerCertificate;
  }
  return false;
}

function peerOf(socket: TLSSocket): { certificate: X509Certificate; subject: PeerCertificate['subject'] } | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate ? { certificate, subject: socket.getPeerCertificate().subject } : undefined;
}

/** Remembers the answer for the life of a connection: a certificate does not change on it. */
function perConnection<T>(compute: (socket: TLSSocket) => T): (socket: TLSSocket) => T {
  const known = new WeakMap<TLSSocket, { value: T }>();
  return (socket) => {
    let entry = known.get(socket);
    if (!entry) {
      entry = { value: compute(socket) };
      known.set(socket, entry);
    }
    return entry.value;
  };
}

const pastValidity = (certificate: X509Certificate): boolean => Date.parse(certificate.validTo) < Date.now();

/** The attribute of a subject that holds the user's uid. */
const uidAttribute = '1.3.6.1.4.1.57683.2';

function uidOf(subject: PeerCertificate['subject']): { uid?: string } {
  const uids = many((subject as Record<string, unknown>)[uidAttribute]);
  if (uids.length > 1) throw unauthorized();
  return uids[0] === undefined ? {} : { uid: uids[0] };
}

/** Common name → user, organizations → groups. `shown` hears until when (ms since 1970) a certificate is good that a request shows. */
export function x509Authenticator(clientCa: string, shown?: (until: number) => void): Authenticator {
  const authorities = certificatesOf(clientCa);
  const userOf = perConnection(
    (socket): { user: UserInfo; certificate: X509Certificate; until: number } | undefined => {
      const peer = peerOf(socket);
      if (!peer || !leadsTo(peer.certificate, authorities)) return undefined;
      const name = many(peer.subject?.CN)[0];
      if (name === undefined) return undefined;
      const id = createHash('sha256').update(peer.certificate.raw).digest('hex');
      return {
        certificate: peer.certificate,
        until: Date.parse(peer.certificate.validTo),
        user: {
          name,
          ...uidOf(peer.subject),
          groups: [...many(peer.subject.O), 'system:authenticated'],
          extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${id}`] },
        },
      };
    },
  );
  return ({ socket }) => {
    const known = userOf(socket);
    if (!known || pastValidity(known.certificate)) return undefined;
    shown?.(known.until);
    return known.user;
  };
}

/** Lower-case names of the headers by which a front proxy says for whom it asks; the first that is there counts. */
export interface ProxyHeaders {
  readonly user: readonly string[];
  readonly uid: readonly string[];
  readonly group: readonly string[];
  /** What stands before the key of an extra. */
  readonly extraPrefixes: readonly string[];
}

const usualHeaders: ProxyHeaders = {
  user: ['x-remote-user'],
  uid: ['x-remote-uid'],
  group: ['x-remote-group'],
  extraPrefixes: ['x-remote-extra-'],
};

/** `X-Remote-User` and its companions, believed from a front proxy that shows a certificate of `ca`. */
export function requestHeaderAuthenticator(options: {
  ca: string;
  allowedNames: readonly string[];
  headers?: Partial<ProxyHeaders>;
}): Authenticator {
  const names = { ...usualHeaders, ...options.headers };
  const authorities = certificatesOf(options.ca);
  const isProxy = perConnection((socket) => {
    const peer = peerOf(socket);
    if (!peer || !leadsTo(peer.certificate, authorities)) return false;
    const name = many(peer.subject?.CN)[0] ?? '';
    return options.allowedNames.length === 0 || options.allowedNames.includes(name);
  });
  return (credentials) => {
    const { headers, socket } = credentials;
    const first = (wanted: readonly string[]): string | undefined => {
      const header = wanted.find((one) => headerOf(headers, one));
      return header && headerOf(headers, header);
    };
    const name = first(names.user);
    if (!name || !isProxy(socket)) return undefined;
    const extra: Record<string, string[]> = {};
    for (const [header, value] of Object.entries(headers)) {
      const prefix = names.extraPrefixes.find((one) => header.startsWith(one));
      if (prefix === undefined || value === undefined) continue;
      extra[decodeKey(header.slice(prefix.length))] = headerValues(credentials, header);
    }
    return {
      name,
      uid: first(names.uid),
      groups: names.group.flatMap((header) =>
        header in headers ? headerValues(credentials, header).filter(Boolean) : [],
      ),
      extra,
    };
  };
}
