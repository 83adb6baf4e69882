import { createSpdyCodec, type SpdyHeaders } from './spdy-frames.ts';

/** One stream of a session; both sides may write until they end their half. */
export interface SpdyStream {
  readonly id: number;
  readonly headers: SpdyHeaders;
  /** Empty data is sent too: it keeps the peer's message boundaries. */
  write(data: Uint8Array): void;
  /** Ends the own half. */
  end(): void;
  /** Ends both halves at once. */
  reset(status?: number): void;
  onData: (data: Buffer) => void;
  /** The peer has ended its half (`undefined`) or the stream was cut. */
  onEnd: (error: Error | undefined) => void;
}

export interface SpdySession {
  /** Bytes from the connection. Throws on what is no SPDY/3.1. */
  feed(bytes: Buffer): void;
  /** Opens a stream; resolves when the peer has accepted it. What arrives before that is handed on all the same. */
  open(headers: SpdyHeaders, handlers?: Partial<Pick<SpdyStream, 'onData' | 'onEnd'>>): Promise<SpdyStream>;
  /** The connection is gone: every stream ends. */
  close(error?: Error): void;
}

export interface SpdySessionOptions {
  role: 'client' | 'server';
  /** Sends bytes to the connection. */
  write: (bytes: Buffer) => void;
  /** The peer opened a stream: it is accepted by returning. A server must take streams here. */
  onStream?: (stream: SpdyStream) => void;
}

interface Entry {
  stream: SpdyStream;
  opened: PromiseWithResolvers<SpdyStream> | undefined;
  localEnded: boolean;
  remoteEnded: boolean;
}

const resetStatus: Record<number, string> = { 1: 'protocol error', 2: 'invalid stream', 3: 'refused', 5: 'cancelled' };

/** A SPDY/3.1 session as a pure machine over bytes; data chunks are handed on at once, so nothing is kept here. */
export function createSpdySession(options: SpdySessionOptions): SpdySession {
  const { role, write, onStream } = options;
  const codec = createSpdyCodec();
  const entries = new Map<number, Entry>();
  let nextId = role === 'client' ? 1 : 2;
  let closed = false;

  const dropWhenDone = (entry: Entry): void => {
    if (entry.localEnded && entry.remoteEnded) entries.delete(entry.stream.id);
  };

  const add = (id: number, headers: SpdyHeaders, opened?: PromiseWithResolvers<SpdyStream>): Entry => {
    const stream: SpdyStream = {
      id,
      headers,
      write(data) {
        if (entry.localEnded || closed) return;
        const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        write(codec.encode({ type: 'data', streamId: id, fin: false, data: bytes }));
      },
      end() {
        if (entry.localEnded || closed) return;
        entry.localEnded = true;
        write(codec.encode({ type: 'data', streamId: id, fin: true, data: Buffer.alloc(0) }));
        dropWhenDone(entry);
      },
      reset(status = 5) {
        if (!entries.delete(id) || closed) return;
        entry.localEnded = true;
        entry.remoteEnded = true;
        write(codec.encode({ type: 'rst-stream', streamId: id, status }));
      },
      onData: () => {},
      onEnd: () => {},
    };
    const entry: Entry = { stream, opened, localEnded: false, remoteEnded: false };
    entries.set(id, entry);
    return entry;
  };

  const endRemote = (entry: Entry, error?: Error): void => {
    if (entry.remoteEnded) return;
    entry.remoteEnded = true;
    entry.opened?.reject(error ?? new Error('the stream was ended before it was accepted'));
    entry.stream.onEnd(error);
    dropWhenDone(entry);
  };

  return {
    feed(bytes) {
      for (const frame of codec.feed(bytes)) {
        if (frame.type === 'ping') {
          write(codec.encode(frame));
          continue;
        }
        if (frame.type === 'syn-stream') {
          const entry = add(frame.streamId, frame.headers);
          if (!onStream) {
            entry.stream.reset(3);
            continue;
          }
          write(codec.encode({ type: 'syn-reply', streamId: frame.streamId, fin: false, headers: {} }));
          onStream(entry.stream);
          if (frame.fin) endRemote(entry);
          continue;
        }
        if (!('streamId' in frame)) continue;
        const entry = entries.get(frame.streamId);
        if (!entry) continue;
        if (frame.type === 'syn-reply') {
          entry.opened?.resolve(entry.stream);
          entry.opened = undefined;
          if (frame.fin) endRemote(entry);
        } else if (frame.type === 'data') {
          if (frame.data.length > 0 || !frame.fin) entry.stream.onData(frame.data);
          if (frame.fin) endRemote(entry);
        } else if (frame.type === 'rst-stream') {
          entries.delete(frame.streamId);
          entry.localEnded = true;
          endRemote(entry, new Error(`the peer cut the stream: ${resetStatus[frame.status] ?? frame.status}`));
        } else if (frame.fin) endRemote(entry);
      }
    },
    open(headers, handlers = {}) {
      const opened = Promise.withResolvers<SpdyStream>();
      if (closed) {
        opened.reject(new Error('the session is closed'));
        return opened.promise;
      }
      const id = nextId;
      nextId += 2;
      Object.assign(add(id, headers, opened).stream, handlers);
      write(codec.encode({ type: 'syn-stream', streamId: id, fin: false, headers }));
      return opened.promise;
    },
    close(error) {
      if (closed) return;
      closed = true;
      for (const entry of [...entries.values()]) {
        entry.localEnded = true;
        endRemote(entry, error ?? new Error('the session is closed'));
      }
      entries.clear();
    },
  };
}
