import type { WebSocket } from 'ws';
import { messageOf } from '../../base/errors.ts';
import { sessionOn, upgradeToRuntime } from './runtime-stream.ts';

/** SPDY inside WebSocket messages, as `kubectl port-forward` speaks it: the bytes are handed on as they are. */
export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
const streamProtocol = 'portforward.k8s.io';

export async function relayTunnel(socket: WebSocket, url: string): Promise<void> {
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  const early: Buffer[] = [];
  let handle = (data: Buffer): void => void early.push(data);
  socket.on('message', (data: Buffer) => handle(data));
  socket.on('close', () => finish());
  socket.on('error', () => finish());
  try {
    const { socket: runtime, head } = await upgradeToRuntime(url, [streamProtocol]);
    if (head.length > 0) socket.send(head);
    runtime.on('data', (chunk: Buffer) => {
      socket.send(chunk, () => {
        if (runtime.isPaused() && socket.bufferedAmount < 512 * 1024) runtime.resume();
      });
      if (socket.bufferedAmount > 1024 * 1024) runtime.pause();
    });
    runtime.on('error', () => socket.close(1011));
    runtime.on('close', () => socket.close(1000));
    handle = (data) => {
      if (runtime.write(data)) return;
      socket.pause();
      runtime.once('drain', () => socket.resume());
    };
    for (const data of early.splice(0)) handle(data);
    runtime.resume();
    await over;
    runtime.destroy();
  } catch (error) {
    socket.close(1011, messageOf(error).slice(0, 120));
  }
}

/**
 * The older form: for each port of the query two channels (data and error), both beginning with the port as two bytes,
 * little end first.
 */
export async function relayPorts(options: {
  socket: WebSocket;
  url: string;
  ports: readonly number[];
  base64: boolean;
}): Promise<void> {
  const { socket, url, ports, base64 } = options;
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  socket.on('close', () => finish());
  socket.on('error', () => finish());
  const send = (channel: number, data: Uint8Array): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (base64) socket.send(String(channel) + Buffer.from(data).toString('base64'));
    else socket.send(Buffer.concat([Buffer.from([channel]), data]));
  };
  const early: Buffer[] = [];
  let handle = (message: Buffer): void => void early.push(message);
  socket.on('message', (data: Buffer) => handle(data));
  try {
    const connection = await upgradeToRuntime(url, [streamProtocol]);
    const session = sessionOn(connection);
    const inputs = new Map<number, (data: Buffer) => void>();
    for (const [index, port] of ports.entries()) {
      const headers = { port: String(port), requestid: String(index) };
      const errors = await session.open(
        { ...headers, streamtype: 'error' },
        { onData: (bytes) => send(index * 2 + 1, bytes) },
      );
      const announce = Buffer.from([port & 0xff, port >> 8]);
      send(index * 2, announce);
      send(index * 2 + 1, announce);
      errors.end();
      const data = await session.open(
        { ...headers, streamtype: 'data' },
        { onData: (bytes) => send(index * 2, bytes) },
      );
      inputs.set(index * 2, (bytes) => data.write(bytes));
    }
    handle = (message) => {
      const first = message[0];
      if (first === undefined) return;
      if (base64) inputs.get(first - 0x30)?.(Buffer.from(message.toString('ascii', 1), 'base64'));
      else inputs.get(first)?.(message.subarray(1));
    };
    for (const message of early.splice(0)) handle(message);
    connection.socket.on('close', () => socket.close(1000));
    await over;
    session.close();
    connection.socket.destroy();
  } catch (error) {
    socket.close(1011, messageOf(error).slice(0, 120));
  }
}
