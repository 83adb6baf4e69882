import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';
import { type ApiError, badRequest, serviceUnavailable } from '../../api/status.ts';
import { boundedText } from '../../base/bounded-text.ts';
import { baseHeaders } from '../http/answer.ts';
import type { Exchange, ResponseHeaders } from '../http/exchange.ts';
import type { Dialer } from '../server.ts';
import { connectTo, type Target } from './backend-connection.ts';
import { rewriteLinks } from './html-links.ts';
import { isPage, readPage } from './page.ts';
import { longestRefusal } from './refused-log.ts';

/** Headers between two neighbours only (RFC 9110 §7.6.1), and those of HTTP/2. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Credentials are for the API server alone. */
const secret = new Set(['authorization']);

export interface RelayRequest {
  readonly dial: Dialer;
  readonly target: Target;
  /** Path and query at the target. */
  readonly path: string;
  /** Sent besides, or instead of, what the client sent. */
  readonly headers?: OutgoingHttpHeaders | undefined;
  /** What the client is told where the target answers with a status that is no success; default: what the target says. */
  readonly refused?: ((status: number, text: string) => ApiError) | undefined;
  /** Alters the answer's headers before they go to the client. */
  readonly answerHeaders?: ((headers: ResponseHeaders) => void) | undefined;
  /** Alters the addresses on pages of HTML. */
  readonly rewrite?: ((address: string) => string) | undefined;
}

function forwardedHeaders(headers: Exchange['headers'], more: OutgoingHttpHeaders | undefined): OutgoingHttpHeaders {
  const result: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || hopByHop.has(name) || secret.has(name)) continue;
    // Only this server says who asks.
    if (name.startsWith('impersonate-') || name.startsWith('x-remote-')) continue;
    if (value !== undefined) result[name] = value as string | string[];
  }
  return { ...result, ...more };
}

export const hostHeader = ({ host, port }: Target): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** One request and its answer, both streamed. The answer is the target's, whatever its status. */
export async function relayExchange(exchange: Exchange, request: RelayRequest): Promise<number> {
  const { target, path } = request;
  const connection = await connectTo(request.dial, target);
  exchange.onClose(() => connection.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest({
      createConnection: () => connection,
      method: exchange.method,
      path,
      headers: {
        ...forwardedHeaders(exchange.headers, request.headers),
        host: hostHeader(target),
        // node:http frames no body by itself where a method seldom has one.
        ...(exchange.hasBody && exchange.headers['content-length'] === undefined
          ? { 'transfer-encoding': 'chunked' }
          : {}),
      },
    });
    outgoing.once('response', resolve);
    outgoing.once('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)));
    if (!exchange.hasBody) outgoing.end();
    else pipeline(exchange.incoming, outgoing, () => {});
  });
  const status = answer.statusCode ?? 502;
  if (request.refused && (status < 200 || status > 206)) {
    const text = await boundedText(answer, longestRefusal);
    connection.destroy();
    throw request.refused(status, text);
  }
  const headers: ResponseHeaders = { 'audit-id': baseHeaders('')['audit-id'] as string };
  for (const [name, value] of Object.entries(answer.headers))
    if (!hopByHop.has(name) && value !== undefined) headers[name] = value;
  request.answerHeaders?.(headers);
  const page = request.rewrite && isPage(answer) ? await readPage(answer) : undefined;
  if (page?.whole && request.rewrite) {
    const body = Buffer.from(rewriteLinks(page.text.toString('latin1'), request.rewrite), 'latin1');
    if (exchange.method !== 'HEAD') {
      delete headers['content-encoding'];
      headers['content-length'] = body.length;
    }
    const whole = exchange.open(status, headers);
    whole.write(body);
    whole.end();
    return status;
  }
  const writer = exchange.open(status, headers);
  if (page && !page.whole) writer.write(page.begun);
  answer.on('data', (chunk: Buffer) => {
    if (writer.write(chunk)) return;
    answer.pause();
    writer.onDrain(() => answer.resume());
  });
  answer.on('end', () => writer.end());
  answer.on('error', () => writer.end());
  return status;
}

/** An upgrade as it came in, and the bytes after its head. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Hands an upgrade to the target and joins the two connections: handshake answer and all that follows are raw bytes. */
export async function relayUpgrade(upgrade: Upgrade, relay: RelayRequest): Promise<void> {
  const { request, socket, head } = upgrade;
  const { target, path } = relay;
  if (/[\r\n\s]/.test(path)) throw badRequest('the path holds characters that no request line may have');
  const backend = await connectTo(relay.dial, target);
  const headers = forwardedHeaders(request.headers as Exchange['headers'], relay.headers);
  const lines = [`${request.method} ${path} HTTP/1.1`, `Host: ${hostHeader(target)}`];
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'host' || value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [String(value)]) lines.push(`${name}: ${item}`);
  }
  lines.push('Connection: Upgrade', `Upgrade: ${request.headers.upgrade}`);
  backend.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) backend.write(head);
  join(socket, backend);
}

/** Bytes both ways; when either side has ended both ways or failed, the other is closed too. */
export function join(left: Duplex, right: Duplex): void {
  const close = (): void => {
    left.destroy();
    right.destroy();
  };
  left.on('error', close);
  right.on('error', close);
  left.on('close', close);
  right.on('close', close);
  left.pipe(right);
  right.pipe(left);
}
