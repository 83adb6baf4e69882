import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  constants,
  createServer as createHttp2,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import type { Logger } from '../../base/log.ts';
import type { Exchange } from './exchange.ts';
import { http1Exchange } from './exchange-http1.ts';
import { http2Exchange } from './exchange-http2.ts';
import { isMalformed } from './request-target.ts';

export interface ServingCertificate {
  cert: string | Buffer;
  key: string | Buffer;
}

export interface ListenerOptions {
  host: string;
  port: number;
  serving: ServingCertificate;
  /** Authorities whose client certificates are looked at; others are treated as no certificate. */
  clientCas: readonly string[];
  onExchange(exchange: Exchange): void;
  onHandshakeFailed?: (() => void) | undefined;
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Default: TLS 1.2 at the least, and Node's suites. */
  tls?: { minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined; ciphers?: string | undefined } | undefined;
  /** Requests that one HTTP/2 connection may have open. Default 1000. */
  maxStreams?: number | undefined;
  log: Logger;
}

/** Of a request's line and headers together, as Go's servers have it: selectors can be long (over HTTP/2 64 KiB at most). */
const headerLimit = 1 << 20;

/** How requests are refused that cannot be read: in Go's words. */
const refusalType = 'text/plain; charset=utf-8';
const refusalText = (status: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${refusalType}\r\nConnection: close\r\n\r\n${status}`;

/** How long a connection is still read whose request was refused before its end. */
const lingerMs = 500;

/** How often connections are looked at that may have become idle while the server stops. */
const drainLookMs = 20;

export interface Listener {
  readonly port: number;
  start(): Promise<void>;
  /** Takes no new connections, lets running answers end for `graceMs`, then closes what is left. */
  stop(graceMs: number): Promise<void>;
  reload(serving: ServingCertificate): void;
}

/**
 * One TLS port for HTTP/2 (its stream interface: the compatibility objects cost a third of the throughput) and HTTP/1.1
 * (which alone can upgrade to WebSocket and SPDY), told apart by ALPN.
 */
export function createListener(options: ListenerOptions): Listener {
  const { log } = options;
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<ServerHttp2Session>();
  let draining = false;

  const http1 = createHttp1(
    { keepAliveTimeout: 120_000, headersTimeout: 60_000, requestTimeout: 0, noDelay: true, maxHeaderSize: headerLimit },
    (request: IncomingMessage, response: ServerResponse) => {
      if (isMalformed(request.url ?? '')) {
        response.writeHead(400, { 'content-type': refusalType, connection: 'close' }).end('400 Bad Request');
        return;
      }
      if (draining) response.setHeader('connection', 'close');
      options.onExchange(http1Exchange(request, response));
    },
  );
  http1.on('upgrade', (request, socket, head) => {
    if (isMalformed(request.url ?? '')) socket.end(refusalText('400 Bad Request'));
    else options.onUpgrade(request, socket, head);
  });
  http1.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    if (!socket.writable) return socket.destroy();
    socket.end(refusalText(status));
    // What still comes is read, or the client would see a reset in place of the answer.
    socket.resume();
    return setTimeout(() => socket.destroy(), lingerMs).unref();
  });

  const http2 = createHttp2({
    settings: {
      maxConcurrentStreams: options.maxStreams ?? 1000,
      initialWindowSize: 1 << 20,
      maxHeaderListSize: headerLimit,
    },
    maxSessionMemory: 256,
  });
  const socketOf = new WeakMap<Http2Session, TLSSocket>();
  let arriving: TLSSocket | undefined;
  http2.on('session', (session) => {
    if (arriving) socketOf.set(session, arriving);
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', (error) => log.debug('an HTTP/2 connection failed', { error: error.message }));
  });
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    const socket = stream.session && socketOf.get(stream.session);
    if (isMalformed(String(headers[':path'] ?? ''))) {
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
    } else if (socket) options.onExchange(http2Exchange(stream, headers, raw, socket));
    else stream.close();
  });

  const { minVersion = 'TLSv1.2', ciphers } = options.tls ?? {};
  const versions = { minVersion, ...(ciphers === undefined ? {} : { ciphers }) } as const;
  const tls = createTls({
    ...options.serving,
    ca: [...options.clientCas],
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
    ...versions,
  });
  tls.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (error) => log.debug('a connection failed', { error: error.message }));
    socket.setNoDelay(true);
    if (socket.alpnProtocol === 'h2') {
      arriving = socket;
      http2.emit('connection', socket);
      arriving = undefined;
    } else http1.emit('connection', socket);
  });
  tls.on('tlsClientError', (error) => {
    options.onHandshakeFailed?.();
    log.debug('a TLS handshake failed', { error: error.message });
  });

  return {
    get port() {
      return (tls.address() as AddressInfo | null)?.port ?? options.port;
    },
    start: () =>
      new Promise((resolve, reject) => {
        tls.once('error', reject);
        tls.listen({ port: options.port, host: options.host, backlog: 1024 }, () => {
          tls.removeListener('error', reject);
          // It listens nowhere itself, and keeps no list of its connections (to time them out, to close the idle ones)
          // unless it thinks that it does.
          http1.emit('listening');
          resolve();
        });
      }),
    stop: async (graceMs) => {
      if (!tls.listening) return;
      draining = true;
      const closed = new Promise<void>((resolve) => tls.close(() => resolve()));
      for (const session of sessions) session.close();
      http1.closeIdleConnections();
      const look = setInterval(() => http1.closeIdleConnections(), drainLookMs);
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearInterval(look);
      clearTimeout(timer);
      http1.close();
    },
    reload: (serving) => tls.setSecureContext({ ...serving, ca: [...options.clientCas], ...versions }),
  };
}
