import { Duplex } from 'node:stream';
import { KnarrError, messageOf } from '../../base/errors.ts';
import { decodeFrame, encodeFrame, type Frame, initialWindow, type Kind, maxPayload, windowPayload } from './frames.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Many byte streams over one ordered message channel, each with its own flow control. */
export interface Multiplexer {
  /** Opens a stream to `target` as the other side sees it; rejects with the other side's reason. */
  open(target: Target): Promise<Duplex>;
  /** One message of the channel arrived. Throws for a malformed one. */
  receive(message: Buffer): void;
  /** The channel is gone: every stream ends with `reason`. */
  close(reason: string): void;
  readonly streams: number;
}

interface MultiplexerOptions {
  /** Puts one message on the channel. */
  send(message: Buffer): void;
  /** Connects to what the other side asks for; absent where the other side may open nothing. */
  dial?(target: Target): Promise<Duplex>;
}

const gone = (reason: string): KnarrError =>
  new KnarrError({ code: 'tunnel-stream-closed', blame: 'world', message: reason });

interface TunnelStream extends Duplex {
  accept(frame: Frame): void;
}

/** One stream: reading grants the sender a window as data is consumed, writing waits for the window it was granted. */
function createStream(options: { send(kind: Kind, payload?: Uint8Array): void; onClosed(): void }): TunnelStream {
  const { send, onClosed } = options;
  let granted = initialWindow;
  let unacknowledged = 0;
  let waiting: { chunk: Buffer; done: (error?: Error | null) => void } | undefined;
  let reset = false;
  let endSent = false;
  let endReceived = false;

  const pump = (): void => {
    while (waiting !== undefined && granted > 0) {
      const size = Math.min(waiting.chunk.length, granted, maxPayload);
      send('data', waiting.chunk.subarray(0, size));
      granted -= size;
      if (size < waiting.chunk.length) {
        waiting.chunk = waiting.chunk.subarray(size);
        continue;
      }
      const { done } = waiting;
      waiting = undefined;
      done();
    }
  };

  const stream = new Duplex({
    allowHalfOpen: true,
    read() {
      if (unacknowledged === 0) return;
      send('window', windowPayload(unacknowledged));
      unacknowledged = 0;
    },
    write(chunk: Buffer, _encoding, done) {
      waiting = { chunk, done };
      pump();
    },
    final(done) {
      endSent = true;
      send('end');
      done();
    },
    destroy(error, done) {
      if (!reset && !(endSent && endReceived)) send('reset', Buffer.from(error === null ? '' : messageOf(error)));
      waiting?.done(error ?? gone('the stream was closed'));
      waiting = undefined;
      onClosed();
      done(error);
    },
  });

  return Object.assign(stream, {
    accept({ kind, payload }: Frame): void {
      if (kind === 'data') {
        unacknowledged += payload.length;
        if (!stream.push(payload)) return;
      } else if (kind === 'window') {
        granted += payload.length >= 4 ? payload.readUInt32BE(0) : 0;
        pump();
      } else if (kind === 'end') {
        endReceived = true;
        stream.push(null);
      } else if (kind === 'reset') {
        reset = true;
        const reason = payload.toString();
        stream.destroy(reason === '' ? undefined : gone(reason));
      }
    },
  });
}

const parseTarget = (payload: Buffer): Target => {
  const value = JSON.parse(payload.toString()) as Partial<Target>;
  if (typeof value.host !== 'string' || typeof value.port !== 'number') throw gone('the target is malformed');
  return { host: value.host, port: value.port };
};

export function createMultiplexer(options: MultiplexerOptions): Multiplexer {
  const streams = new Map<number, TunnelStream>();
  const opening = new Map<number, { resolve(stream: Duplex): void; reject(error: Error): void }>();
  let next = 1;
  let closed: string | undefined;

  const send = (kind: Kind, stream: number, payload?: Uint8Array): void => {
    if (closed === undefined) options.send(encodeFrame(kind, stream, payload));
  };
  const add = (id: number): TunnelStream => {
    const stream = createStream({
      send: (kind, payload) => send(kind, id, payload),
      onClosed: () => void streams.delete(id),
    });
    streams.set(id, stream);
    return stream;
  };

  const accept = async (id: number, payload: Buffer): Promise<void> => {
    try {
      if (options.dial === undefined) throw gone('this side opens no connections');
      const remote = await options.dial(parseTarget(payload));
      const local = add(id);
      send('opened', id);
      local.on('error', () => remote.destroy());
      remote.on('error', (error) => local.destroy(error));
      local.on('close', () => remote.destroy());
      remote.on('close', () => {
        if (!remote.readableEnded) local.destroy();
      });
      remote.pipe(local);
      local.pipe(remote);
      if (closed !== undefined) local.destroy();
    } catch (error) {
      send('reset', id, Buffer.from(messageOf(error)));
    }
  };

  const receiveOpening = (frame: Frame): boolean => {
    const waiter = opening.get(frame.stream);
    if (waiter === undefined) return false;
    opening.delete(frame.stream);
    if (frame.kind === 'opened') waiter.resolve(add(frame.stream));
    else waiter.reject(gone(frame.payload.toString() || 'the connection was refused'));
    return true;
  };

  return {
    get streams() {
      return streams.size;
    },
    open(target) {
      if (closed !== undefined) return Promise.reject(gone(closed));
      const id = next++;
      const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
      opening.set(id, { resolve, reject });
      send('open', id, Buffer.from(JSON.stringify(target)));
      return promise;
    },
    receive(message) {
      const frame = decodeFrame(message);
      if (frame.kind === 'open') void accept(frame.stream, frame.payload);
      else if (!receiveOpening(frame)) streams.get(frame.stream)?.accept(frame);
    },
    close(reason) {
      if (closed !== undefined) return;
      closed = reason;
      for (const waiter of opening.values()) waiter.reject(gone(reason));
      opening.clear();
      for (const stream of [...streams.values()]) stream.destroy(gone(reason));
    },
  };
}
