import type { IncomingMessage } from 'node:http';
import { WebSocketServer } from 'ws';
import type { Upgrade } from '../connect/relay.ts';
import type { Answer, Call } from '../handlers/call.ts';
import type { Exchange } from './exchange.ts';
import type { OpenWatches } from './open-watches.ts';
import { serveWatch } from './watch.ts';

type WatchAnswer = Extract<Answer, { kind: 'watch' }>;

/** Credentials may come as a protocol; they are none to agree on. */
const agreed = (offered: Set<string>): string | false =>
  [...offered].find((protocol) => !protocol.startsWith('base64url.bearer.')) ?? false;

const line = '\n'.charCodeAt(0);

/** The events in frames of JSON, one a line. */
function* eventsIn(chunk: Buffer | string): Iterable<string> {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(line, from);
    const to = end < 0 ? bytes.length : end;
    if (to > from) yield bytes.toString('utf8', from, to);
    from = to + 1;
  }
}

/** The events in frames of protobuf: what follows each four bytes of length. */
function* messagesIn(chunk: Buffer | string): Iterable<Buffer> {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk;
  for (let from = 0; from + 4 <= bytes.length; ) {
    const to = from + 4 + bytes.readUInt32BE(from);
    yield bytes.subarray(from + 4, to);
    from = to;
  }
}

/** There is no watch in YAML. */
const withoutYaml = (accept: string | undefined): string =>
  (accept ?? '')
    .split(',')
    .filter((clause) => !clause.includes('yaml'))
    .join(',') || 'application/json';

/**
 * Answers a watch over a WebSocket: for each event a text message of JSON, or a binary one of protobuf. Settles when the
 * watch has begun.
 */
export async function serveWebSocketWatch(
  call: Call,
  upgrade: Upgrade,
  answer: WatchAnswer,
  openWatches: OpenWatches,
): Promise<void> {
  const exchange = call.exchange as Exchange;
  const server = new WebSocketServer({ noServer: true, handleProtocols: agreed });
  const { accept } = exchange.headers;
  await serveWatch(
    {
      ...exchange,
      headers: { ...exchange.headers, accept: withoutYaml(typeof accept === 'string' ? accept : undefined) },
      open(_status, headers) {
        const split = String(headers['content-type'] ?? '').includes('protobuf') ? messagesIn : eventsIn;
        let send: (event: string | Buffer) => void = (event) => waiting.push(event);
        let end: () => void = () => {
          over = true;
        };
        const waiting: (string | Buffer)[] = [];
        let over = false;
        server.handleUpgrade(upgrade.request as IncomingMessage, upgrade.socket, upgrade.head, (socket) => {
          socket.on('error', () => socket.terminate());
          send = (event) => socket.send(event);
          end = () => socket.close(1000);
          for (const event of waiting) send(event);
          if (over) end();
        });
        return {
          write(chunk) {
            for (const event of split(chunk)) send(event);
            return true;
          },
          onDrain() {},
          get buffered() {
            return upgrade.socket.writableLength;
          },
          end: () => end(),
        };
      },
    },
    call,
    answer,
    openWatches,
  );
}
