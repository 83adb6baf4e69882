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
export function http2Exchange(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, socket: TLSSocket): Exchange {
  const method = String(headers[':method'] ?? 'GET');
  stream.on('error', ignore); // resets by the client; `close` follows
  return {
    method,
    url: String(headers[':path'] ?? '/'),
    protocol: 'HTTP/2.0',
    socket,
    headers,
    hasBody: !stream.endAfterHeaders,
    incoming: stream,
    readBody: (limit) => (stream.endAfterHeaders ? Promise.resolve(noBody) : readBody(stream, limit)),
    respond(status, responseHeaders, body) {
      if (stream.destroyed || stream.headersSent) return;
      responseHeaders[constants.HTTP2_HEADER_STATUS] = status;
      if (body === undefined || body.length === 0 || method === 'HEAD') {
        stream.respond(responseHeaders as Record<string, string>, { endStream: true });
        return;
      }
      responseHeaders['content-length'] = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
      stream.respond(responseHeaders as Record<string, string>);
      stream.end(body);
    },
    open(status, responseHeaders) {
      return openWriter(stream, status, responseHeaders);
    },
    onClose(callback) {
      stream.once('close', callback);
    },
    takeOver: () => ({
      request: new Http2ServerRequest(stream, headers, {}, []) as unknown as IncomingMessage,
      response: new Http2ServerResponse(stream) as unknown as ServerResponse,
    }),
  };
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
