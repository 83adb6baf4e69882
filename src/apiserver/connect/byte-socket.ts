import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';
import { type ApiError, plainFailure, serviceUnavailable } from '../../api/status.ts';
import { connectTo } from './backend-connection.ts';
import { longestRefusal } from './refused-log.ts';
import { hostHeader, type RelayRequest, type Upgrade } from './relay.ts';

/** How bytes are sent under each subprotocol that a client may offer (`''`: it offers none). */
const encodings: Readonly<Record<string, (bytes: Buffer) => Buffer | string>> = {
  '': (bytes) => bytes,
  'binary.k8s.io': (bytes) => bytes,
  'base64.binary.k8s.io': (bytes) => bytes.toString('base64'),
};

/** More than this is not kept for a client that reads slowly. */
const mostBuffered = 1024 * 1024;

/** What a target that says no has said. */
async function refusalOf(answer: IncomingMessage, refused: RelayRequest['refused']): Promise<ApiError> {
  const said = (await text(answer)).slice(0, longestRefusal);
  const code = answer.statusCode ?? 500;
  return refused?.(code, said) ?? plainFailure(code, said);
}

/**
 * Asks the target for a stream of bytes by an ordinary request and sends it on over a WebSocket; first of all an empty
 * message, which tells that the stream stands (upstream: `httpstream/wsstream`). Rejects where the target refuses.
 */
export async function relayToSocket(upgrade: Upgrade, { dial, target, path, refused }: RelayRequest): Promise<void> {
  const connection = await connectTo(dial, target);
  upgrade.socket.on('close', () => connection.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest({ createConnection: () => connection, path, headers: { host: hostHeader(target) } })
      .once('response', resolve)
      .once('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)))
      .end();
  });
  if (answer.statusCode !== 200) throw await refusalOf(answer, refused);
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].find((protocol) => Object.hasOwn(encodings, protocol)) ?? false,
  });
  server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => void pump(answer, socket));
}

function pump(answer: IncomingMessage, socket: WebSocket): void {
  const encode = encodings[socket.protocol] ?? ((bytes: Buffer) => bytes);
  const binary = socket.protocol !== 'base64.binary.k8s.io';
  socket.on('error', () => socket.terminate());
  socket.on('close', () => answer.destroy());
  socket.send(Buffer.alloc(0), { binary });
  answer.on('data', (chunk: Buffer) => {
    socket.send(encode(chunk), { binary }, () => answer.resume());
    if (socket.bufferedAmount > mostBuffered) answer.pause();
  });
  answer.on('end', () => socket.close(1000));
  answer.on('error', () => socket.close(1011));
}
