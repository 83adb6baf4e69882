import { request as requestHttp } from 'node:http';
import { constants } from 'node:http2';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { isApiError } from '../api/status.ts';
import { KnarrError, messageOf } from '../base/errors.ts';
import type { RawRequest, Transport } from './client.ts';
import { errorOf, goodFrame } from './create-client.ts';
import { type DialOptions, openSession, type Session } from './http-session.ts';
import { jsonLines } from './json-lines.ts';

export interface HttpTransportOptions extends Omit<DialOptions, 'url'> {
  /** `https://host:port`, with a path before the API's when there is one. */
  server: string;
  /** The bearer token, asked before every request (see `tokenFile` for one that is read again). */
  token?: (() => string | Promise<string>) | undefined;
  userAgent?: string | undefined;
  /** A request that is no watch fails after this. Default 60 s. */
  timeoutMs?: number | undefined;
}

export interface HttpTransport extends Transport {
  /** The next request uses a new connection (after a certificate was renewed); what is under way goes on. */
  reconnect(): void;
  close(): void;
}

interface Answer {
  status: number;
  contentType: string;
  body: Readable;
}

const queryText = (query: RawRequest['query']): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) search.append(name, one);
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
};

/** What to ask for where the metadata will do. */
const partialForm = ({ query }: RawRequest): string =>
  `application/json;as=PartialObjectMetadata${query?.watch ? '' : 'List'};g=meta.k8s.io;v=v1,application/json`;

/**
 * A server may reset a stream without error once it has answered, before it has seen the request's end: what came
 * until then is the whole answer.
 */
function textOf(body: Readable & { rstCode?: number }): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const done = (): void => resolve(Buffer.concat(chunks).toString());
  body.on('data', (chunk: Buffer) => chunks.push(chunk));
  body.once('end', done);
  body.once('error', reject);
  body.once('close', () => (body.rstCode === 0 ? done() : reject(new Error('the connection was lost'))));
  return promise;
}

function parse(answer: { contentType: string }, text: string): unknown {
  if (!answer.contentType.includes('json')) return text;
  return text === '' ? undefined : JSON.parse(text);
}

const isRefused = (error: unknown): boolean =>
  ['ECONNRESET', 'ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION', 'ERR_HTTP2_STREAM_CANCEL', 'EPIPE'].includes(
    (error as { code?: string }).code ?? '',
  ) || messageOf(error).includes('NGHTTP2_REFUSED_STREAM');

/** JSON over HTTP/2 (one session, dialled again when lost) or HTTP/1.1, whichever the server speaks. */
export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  const url = new URL(options.server);
  const root = url.pathname.replace(/\/$/, '');
  const dialOptions: DialOptions = { ...options, url };
  const timeoutMs = options.timeoutMs ?? 60_000;
  let current: Promise<Session> | undefined;
  let closed = false;

  const forget = (session: Promise<Session>): void => {
    if (current === session) current = undefined;
  };

  const session = async (): Promise<Session> => {
    if (closed) throw new KnarrError({ code: 'api-unreachable', blame: 'bug', message: 'the transport is closed' });
    if (current === undefined) {
      const opening = openSession(dialOptions);
      current = opening;
      opening.then(
        (opened) => {
          if (opened.kind !== 'h2') return;
          opened.session.once('goaway', () => forget(opening));
          opened.session.once('close', () => forget(opening));
        },
        () => forget(opening),
      );
    }
    const opened = await current;
    if (opened.kind === 'h2' && (opened.session.closed || opened.session.destroyed)) {
      current = undefined;
      return session();
    }
    return opened;
  };

  const headersOf = async (request: RawRequest, payload: string | undefined): Promise<Record<string, string>> => {
    const headers: Record<string, string> = {
      accept: request.metadataOnly ? partialForm(request) : 'application/json',
      'user-agent': options.userAgent ?? 'knarr',
    };
    if (payload !== undefined) {
      headers['content-type'] = request.contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(payload));
    }
    const token = await options.token?.();
    if (token) headers.authorization = `Bearer ${token}`;
    return headers;
  };

  const attempt = async (request: RawRequest, signal: AbortSignal | undefined): Promise<Answer> => {
    const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
    const headers = await headersOf(request, payload);
    const path = `${root}${request.path}${queryText(request.query)}`;
    const opened = await session();
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (opened.kind === 'h2') {
      const stream = opened.session.request(
        { ':method': request.method, ':path': path, ':authority': url.host, ...headers },
        { endStream: payload === undefined, ...(signal ? { signal } : {}) },
      );
      stream.once('response', (h) => {
        const status = Number(h[constants.HTTP2_HEADER_STATUS]);
        resolve({ status, contentType: String(h['content-type'] ?? ''), body: stream });
      });
      stream.once('error', reject);
      stream.once('close', () => reject(new Error('the server closed the request without an answer')));
      if (payload !== undefined) stream.end(payload);
    } else {
      const send = url.protocol === 'http:' ? requestHttp : requestHttps;
      const outgoing = send(
        {
          host: url.hostname,
          port: url.port,
          method: request.method,
          path,
          headers,
          agent: opened.agent,
          ...(signal ? { signal } : {}),
        },
        (incoming) =>
          resolve({
            status: incoming.statusCode ?? 0,
            contentType: incoming.headers['content-type'] ?? '',
            body: incoming,
          }),
      );
      outgoing.once('error', reject);
      outgoing.end(payload);
    }
    return promise;
  };

  const begin = async (request: RawRequest, signal: AbortSignal | undefined): Promise<Answer> => {
    try {
      return await attempt(request, signal);
    } catch (error) {
      const mayRepeat = request.method === 'GET' || messageOf(error).includes('NGHTTP2_REFUSED_STREAM');
      if (signal?.aborted || !mayRepeat || !isRefused(error)) throw error;
      return attempt(request, signal);
    }
  };

  const unreachable = (request: RawRequest, error: unknown): KnarrError =>
    new KnarrError({
      code: 'api-unreachable',
      blame: 'world',
      message: `${request.method} ${url.origin}${request.path}: ${messageOf(error)}`,
      cause: error,
    });

  return {
    async send(request) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = request.signal ? AbortSignal.any([request.signal, deadline]) : deadline;
      try {
        const answer = await begin(request, signal);
        return { status: answer.status, body: parse(answer, await textOf(answer.body)) };
      } catch (error) {
        throw unreachable(request, deadline.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : error);
      }
    },

    async *stream(request) {
      let answer: Answer;
      try {
        answer = await begin(request, request.signal);
      } catch (error) {
        if (request.signal?.aborted) return;
        throw unreachable(request, error);
      }
      if (answer.status >= 400) throw errorOf(answer.status, parse(answer, await textOf(answer.body)));
      try {
        for await (const frame of jsonLines(answer.body)) yield goodFrame(frame as { type: string; object: unknown });
      } catch (error) {
        if (request.signal?.aborted) return;
        throw isApiError(error) ? error : unreachable(request, error);
      } finally {
        answer.body.destroy();
      }
    },

    reconnect() {
      const old = current;
      current = undefined;
      old?.then(
        (opened) => void (opened.kind === 'h2' && opened.session.close()),
        () => {},
      );
    },

    close() {
      closed = true;
      const old = current;
      current = undefined;
      old?.then(
        (opened) => (opened.kind === 'h2' ? opened.session.destroy() : opened.agent.destroy()),
        () => {},
      );
    },
  };
}
