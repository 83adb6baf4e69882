import { type Agent, Agent as HttpAgent } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { Agent as HttpsAgent } from 'node:https';
import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** PEM texts of the client's certificate. */
export interface ClientCertificate {
  cert: string | Buffer;
  key: string | Buffer;
}

export interface DialOptions {
  url: URL;
  /** PEM; the system's authorities when left out. */
  ca?: string | Buffer | undefined;
  /** Asked at every dial, so that a renewed certificate is used from the next connection on. */
  certificate?: (() => ClientCertificate | Promise<ClientCertificate>) | undefined;
  insecureSkipVerify?: boolean | undefined;
  /** The name that the server's certificate must carry, where it is not the URL's host. */
  serverName?: string | undefined;
  /** Makes the raw connection: for going through a load-balancer or a tunnel. Default: TCP to the URL's host and port. */
  connect?: (() => Promise<Duplex>) | undefined;
  /** How long a dial may take. Default 10 s. */
  dialTimeoutMs?: number | undefined;
}

async function dialRaw(options: DialOptions): Promise<Duplex> {
  if (options.connect) return options.connect();
  const port = Number(options.url.port || (options.url.protocol === 'http:' ? 80 : 443));
  const host = options.url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
  const timer = setTimeout(
    () => socket.destroy(new Error(`no connection to ${host}:${port} in time`)),
    options.dialTimeoutMs ?? 10_000,
  );
  socket.once('connect', () => resolve(socket));
  socket.once('error', reject);
  socket.once('close', () => reject(new Error(`the connection to ${host}:${port} was closed`)));
  return promise.finally(() => clearTimeout(timer));
}

/** A connected and verified socket; `alpnProtocol` says what the two agreed on. */
export async function dial(options: DialOptions, protocols: string[]): Promise<Duplex & { alpnProtocol?: unknown }> {
  const raw = await dialRaw(options);
  if (options.url.protocol === 'http:') return raw;
  const certificate = await options.certificate?.();
  const host = options.serverName ?? options.url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket = connectTls({
    socket: raw,
    host,
    ...(isIP(host) ? {} : { servername: host }),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(certificate ? { cert: certificate.cert, key: certificate.key } : {}),
    rejectUnauthorized: !options.insecureSkipVerify,
    ALPNProtocols: protocols,
  });
  const timer = setTimeout(
    () => socket.destroy(new Error('the TLS handshake took too long')),
    options.dialTimeoutMs ?? 10_000,
  );
  socket.once('secureConnect', () => resolve(socket));
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the connection was closed during the TLS handshake')));
  return promise.finally(() => clearTimeout(timer));
}

/** What requests can be sent over: one HTTP/2 session, or a pool of HTTP/1.1 connections. */
export type Session = { kind: 'h2'; session: ClientHttp2Session } | { kind: 'h1'; agent: Agent };

const pingAfterMs = 30_000;
const pingAnswerMs = 15_000;

/** A session whose peer has gone without a word is found out by a ping every 30 s while something is under way. */
function watchLife(session: ClientHttp2Session): void {
  let answer: NodeJS.Timeout | undefined;
  session.setTimeout(pingAfterMs, () => {
    if (session.destroyed || session.closed) return;
    answer ??= setTimeout(() => session.destroy(new Error('the server does not answer')), pingAnswerMs).unref();
    session.ping((error) => {
      clearTimeout(answer);
      answer = undefined;
      if (error && !session.destroyed) session.destroy(error);
    });
  });
  session.once('close', () => clearTimeout(answer));
}

/** Dials once to learn which protocol the server speaks. */
export async function openSession(options: DialOptions): Promise<Session> {
  if (options.url.protocol === 'http:') {
    return { kind: 'h1', agent: poolOf(new HttpAgent({ keepAlive: true }), options) };
  }
  const socket = await dial(options, ['h2', 'http/1.1']);
  if (socket.alpnProtocol !== 'h2') {
    socket.destroy();
    return { kind: 'h1', agent: poolOf(new HttpsAgent({ keepAlive: true }), options) };
  }
  const session = connectHttp2(options.url.origin, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: 4 * 1024 * 1024 },
  });
  session.setLocalWindowSize(16 * 1024 * 1024);
  session.on('error', () => {}); // each stream tells its own request
  watchLife(session);
  return { kind: 'h2', session };
}

function poolOf(agent: Agent, options: DialOptions): Agent {
  agent.createConnection = (_options, callback) => {
    dial(options, ['http/1.1']).then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    );
    return undefined as never;
  };
  return agent;
}
