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

/** Events go as texts of JSON, whatever else is asked for. */
const asJson = (accept: string | undefined): string =>
  (accept ?? '')
    .split(',')
    .filter((clause) => !clause.includes('protobuf') && !clause.includes('yaml'))
    .join(',') || 'application/json';

/** Answers a watch over a WebSocket: a text message for each event. Settles when the watch has begun. */
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
      headers: { ...exchange.headers, accept: asJson(typeof accept === 'string' ? accept : undefined) },
      open() {
        let send: (text: string) => void = (text) => waiting.push(text);
        let end: () => void = () => {
          over = true;
        };
        const waiting: string[] = [];
        let over = false;
        server.handleUpgrade(upgrade.request as IncomingMessage, upgrade.socket, upgrade.head, (socket) => {
          socket.on('error', () => socket.terminate());
          send = (text) => socket.send(text);
          end = () => socket.close(1000);
          for (const text of waiting) send(text);
          if (over) end();
        });
        return {
          write(chunk) {
            for (const event of eventsIn(chunk)) send(event);
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
