import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  constants,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Exchange, ResponseHeaders, ResponseWriter } from './exchange.ts';
import { readBody } from './read-body.ts';

/** `socket` is the connection's real TLS socket: the session hands out only a proxy of it. */
export function http2Exchange(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  socket: TLSSocket,
): Exchange {
  stream.on('error', ignore); // resets by the client; `close` follows
  return new Http2Exchange(stream, headers, rawHeaders, socket);
}

class Http2Exchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly protocol = 'HTTP/2.0';
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly socket: TLSSocket;
  readonly incoming: ServerHttp2Stream;
  added: Exchange['added'];

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    socket: TLSSocket,
  ) {
    this.method = String(headers[':method'] ?? 'GET');
    this.url = String(headers[':path'] ?? '/');
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.socket = socket;
    this.incoming = stream;
    this.added = undefined;
  }

  get hasBody(): boolean {
    return !this.incoming.endAfterHeaders;
  }

  readBody(limit: number): Promise<Buffer> {
    return this.incoming.endAfterHeaders ? Promise.resolve(noBody) : readBody(this.incoming, limit);
  }

  respond(status: number, headers: ResponseHeaders, body: Buffer | string | undefined): void {
    const stream = this.incoming;
    if (stream.destroyed || stream.headersSent) {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    headers[constants.HTTP2_HEADER_STATUS] = status;
    if (this.added) Object.assign(headers, this.added);
    if (body === undefined || body.length === 0 || this.method === 'HEAD') {
      stream.respond(headers as Record<string, string>, { endStream: true });
      return;
    }
    headers['content-length'] = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    stream.respond(headers as Record<string, string>);
    stream.end(body);
  }

  open(status: number, headers: ResponseHeaders): ResponseWriter {
    if (this.added) Object.assign(headers, this.added);
    return openWriter(this.incoming, status, headers);
  }

  onClose(callback: () => void): void {
    this.incoming.once('close', callback);
  }

  takeOver(): { request: IncomingMessage; response: ServerResponse } {
    const stream = this.incoming;
    return {
      request: new Http2ServerRequest(stream, this.headers, {}, []) as unknown as IncomingMessage,
      response: new Http2ServerResponse(stream) as unknown as ServerResponse,
    };
  }
}

const noBody = Buffer.alloc(0);
const ignore = (): void => {};

function openWriter(stream: ServerHttp2Stream, status: number, headers: ResponseHeaders): ResponseWriter {
  if (!stream.destroyed && !stream.headersSent) {
    headers[constants.HTTP2_HEADER_STATUS] = status;
    stream.respond(headers as Record<string, string>);
  }
  return {
    write: (chunk) => stream.destroyed || stream.write(chunk),
    onDrain: (callback) => void stream.once('drain', callback),
    get buffered() {
      return stream.writableLength;
    },
    end(trailing) {
      if (stream.destroyed) return;
      if (trailing === undefined) stream.end();
      else stream.end(trailing);
    },
  };
}
