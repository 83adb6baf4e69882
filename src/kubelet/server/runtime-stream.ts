import { connect, type Socket } from 'node:net';
import { KnarrError } from '../../base/errors.ts';
import { createSpdySession, type SpdySession } from '../../wire/spdy-session.ts';

/** A connection to the runtime's streaming server after its upgrade; bytes are SPDY from here on. */
export interface RuntimeConnection {
  socket: Socket;
  /** What came behind the upgrade's answer. */
  head: Buffer;
  /** The answer's head as it was, for a caller who relays it. */
  answer: Buffer;
  protocol: string;
}

const failed = (message: string): KnarrError => new KnarrError({ code: 'runtime-stream', blame: 'world', message });
const maxHead = 64 * 1024;

/** Upgrades a connection to `url` to SPDY/3.1, offering `protocols` for the streams. */
export async function upgradeToRuntime(url: string, protocols: readonly string[]): Promise<RuntimeConnection> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(target.port), noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<RuntimeConnection>();
  let received: Buffer = Buffer.alloc(0);
  const fail = (error: Error): void => {
    socket.destroy();
    reject(failed(`the runtime's streaming server: ${error.message}`));
  };
  const ended = (): void => fail(new Error('the connection was closed during the upgrade'));
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) {
      if (received.length > maxHead) fail(new Error('its answer has no end'));
      return;
    }
    socket.off('data', onData);
    socket.off('error', fail);
    socket.off('close', ended);
    socket.pause();
    const answer = received.subarray(0, end + 4);
    const lines = answer.toString('latin1').split('\r\n');
    if (!/^HTTP\/1\.1 101 /.test(lines[0] ?? '')) {
      fail(new Error(lines[0] ?? 'no answer'));
      return;
    }
    const header = lines.find((l) => l.toLowerCase().startsWith('x-stream-protocol-version:'));
    const protocol = header?.slice(header.indexOf(':') + 1).trim() ?? '';
    resolve({ socket, head: received.subarray(end + 4), answer, protocol });
  };
  socket.on('data', onData);
  socket.on('error', fail);
  socket.on('close', ended);
  socket.write(
    [
      `POST ${target.pathname}${target.search} HTTP/1.1`,
      `Host: ${target.host}`,
      'Connection: Upgrade',
      'Upgrade: SPDY/3.1',
      ...protocols.map((p) => `X-Stream-Protocol-Version: ${p}`),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
  return promise;
}

/** A client session on an upgraded connection. */
export function sessionOn(connection: RuntimeConnection): SpdySession {
  const { socket, head } = connection;
  const session = createSpdySession({ role: 'client', write: (bytes) => void socket.write(bytes) });
  const feed = (bytes: Buffer): void => {
    try {
      session.feed(bytes);
    } catch (error) {
      socket.destroy(error as Error);
    }
  };
  socket.on('data', feed);
  socket.on('error', (error) => session.close(error));
  socket.on('close', () => session.close());
  if (head.length > 0) feed(head);
  socket.resume();
  return session;
}
