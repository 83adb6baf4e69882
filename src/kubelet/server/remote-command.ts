import type { WebSocket } from 'ws';
import { messageOf } from '../../base/errors.ts';
import { channels, decodeMessage, encodeMessage, type RemoteCommandProtocol } from '../../wire/remote-command.ts';
import type { SpdyStream } from '../../wire/spdy-session.ts';
import { sessionOn, upgradeToRuntime } from './runtime-stream.ts';

export interface StreamChoice {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

const highWater = 1024 * 1024;

/** Older protocols carry an error as text, and nothing for a success. */
function plainError(data: Buffer): Buffer {
  try {
    const status = JSON.parse(data.toString()) as { status?: string; message?: string };
    return Buffer.from(status.status === 'Success' ? '' : (status.message ?? ''));
  } catch {
    return data;
  }
}

/**
 * Carries one exec or attach between a WebSocket and the runtime's SPDY streams until the runtime has told how it ended.
 * Resolves when both are closed.
 */
export async function relayRemoteCommand(options: {
  socket: WebSocket;
  protocol: RemoteCommandProtocol;
  url: string;
  streams: StreamChoice;
}): Promise<void> {
  const { socket, protocol, url, streams } = options;
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  /** What arrives before the runtime's streams are open. */
  const early: Buffer[] = [];
  let handle = (message: Buffer): void => void early.push(message);
  socket.on('message', (data: Buffer) => handle(data));
  socket.on('close', () => finish());
  socket.on('error', () => finish());

  const send = (channel: number, data: Uint8Array): void => {
    if (socket.readyState === socket.OPEN) socket.send(encodeMessage(protocol, channel, data));
  };
  const sendError = (message: string): void => {
    const status = { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 };
    send(channels.error, Buffer.from(protocol.statusErrors ? JSON.stringify(status) : message));
  };

  let connection: Awaited<ReturnType<typeof upgradeToRuntime>>;
  try {
    connection = await upgradeToRuntime(url, ['v4.channel.k8s.io']);
  } catch (error) {
    sendError(messageOf(error));
    socket.close(1000);
    return;
  }
  const session = sessionOn(connection);
  const open = new Map<number, SpdyStream>();
  const ended = new Map<number, Promise<void>>();
  const openOne = async (channel: number, streamtype: string, reads: boolean): Promise<void> => {
    const over = Promise.withResolvers<void>();
    if (reads) ended.set(channel, over.promise);
    const onData = (data: Buffer): void => {
      if (!reads) return;
      const told = channel === channels.error && !protocol.statusErrors ? plainError(data) : data;
      if (told.length > 0 || channel !== channels.error) send(channel, told);
      // The peer reads slower than the command writes: hold the runtime back.
      if (socket.bufferedAmount > highWater && !connection.socket.isPaused()) {
        connection.socket.pause();
        const look = setInterval(() => {
          if (socket.bufferedAmount > highWater / 2 && socket.readyState === socket.OPEN) return;
          clearInterval(look);
          connection.socket.resume();
        }, 5);
      }
    };
    open.set(channel, await session.open({ streamtype }, { onData, onEnd: () => over.resolve() }));
  };
  try {
    await openOne(channels.error, 'error', true);
    if (streams.stdin) await openOne(channels.stdin, 'stdin', false);
    if (streams.stdout) await openOne(channels.stdout, 'stdout', true);
    if (streams.stderr && !streams.tty) await openOne(channels.stderr, 'stderr', true);
    if (streams.tty) await openOne(channels.resize, 'resize', false);
  } catch (error) {
    sendError(messageOf(error));
    socket.close(1000);
    connection.socket.destroy();
    return;
  }

  handle = (message) => {
    const decoded = decodeMessage(protocol, message);
    if (!decoded) return;
    const stream = open.get(decoded.channel);
    if (decoded.channel !== channels.stdin && decoded.channel !== channels.resize) return;
    if (decoded.type === 'close') stream?.end();
    else if (decoded.data.length > 0) stream?.write(decoded.data);
    if (connection.socket.writableLength > highWater) {
      socket.pause();
      connection.socket.once('drain', () => socket.resume());
    }
  };
  for (const message of early.splice(0)) handle(message);

  // The error stream ends when the command has, the outputs with it. Only clients end single channels (v5).
  void Promise.all(ended.values()).then(() => socket.close(1000));
  await over;
  session.close();
  connection.socket.destroy();
}
