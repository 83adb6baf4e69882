import { isIP } from 'node:net';
import { messageOf } from '../../base/errors.ts';

const fixed: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** The statuses whose text is what the server said. */
const told = new Set([403, 406, 415]);
const longest = 2048;

function statusMessage(text: string): string | undefined {
  try {
    const body = JSON.parse(text) as { kind?: string; message?: string };
    return body.kind === 'Status' ? body.message : undefined;
  } catch {
    return undefined;
  }
}

export const isStatus = (body: string): boolean => statusMessage(body) !== undefined;

/** What Go's client says of an answer that is no success: the message of its Status, else words for its code. */
export function refusalText(status: number, body: string): string {
  const own = statusMessage(body);
  if (own) return own;
  const shown = body.slice(0, longest).trim() || 'unknown';
  if (told.has(status)) return shown;
  const words = fixed[status];
  if (words !== undefined) return words;
  return status >= 500
    ? `an error on the server (${JSON.stringify(shown)}) has prevented the request from succeeding`
    : `the server responded with the status code ${status} but did not return more information`;
}

const unknownAuthority = 'x509: certificate signed by unknown authority';
const untrusted: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
};

/** Go's words for a certificate of somebody else; `host` is who was to be spoken to. */
function otherName(host: string, alternatives = ''): string {
  const [kind, none] = isIP(host)
    ? ['IP Address:', `cannot validate certificate for ${host} because it doesn't contain any IP SANs`]
    : ['DNS:', `certificate is not valid for any names, but wanted to match ${host}`];
  const names = alternatives
    .split(', ')
    .filter((name) => name.startsWith(kind))
    .map((name) => name.slice(kind.length));
  return `x509: ${names.length === 0 ? none : `certificate is valid for ${names.join(', ')}, not ${host}`}`;
}

interface DialFailure extends Error {
  code?: string | undefined;
  /** Of a certificate for another name. */
  host?: string;
  cert?: { subjectaltname?: string };
}

function certificateProblem({ code = '', host = '', cert }: DialFailure): string | undefined {
  if (code === 'CERT_HAS_EXPIRED') return 'x509: certificate has expired or is not yet valid';
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? otherName(host, cert?.subjectaltname) : untrusted[code];
}

/** Go's words for what keeps a connection from being made. */
export function dialError(error: DialFailure, host: string): string {
  const { code = '' } = error;
  if (code === 'ECONNREFUSED') return `dial tcp ${host}: connect: connection refused`;
  if (code === 'ECONNRESET') return 'connection reset by peer';
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${host.replace(/:\d+$/, '')}: no such host`;
  const why = certificateProblem(error);
  return why === undefined ? messageOf(error) : `tls: failed to verify certificate: ${why}`;
}
