import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Exchange, ResponseHeaders, ResponseWriter } from './exchange.ts';
import { readBody } from './read-body.ts';

export function http1Exchange(request: IncomingMessage, response: ServerResponse): Exchange {
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    protocol: 'HTTP/1.1',
    socket: request.socket as TLSSocket,
    headers: request.headers,
    hasBody: request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0',
    incoming: request,
    readBody: (limit) => readBody(request, limit),
    respond(status, headers, body) {
      if (response.destroyed) return;
      const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
      headers['content-length'] = length;
      response.writeHead(status, headers as Record<string, string>);
      if (request.method === 'HEAD') response.end();
      else response.end(body);
    },
    open(status, headers) {
      return openWriter(response, status, headers);
    },
    onClose(callback) {
      response.once('close', callback);
    },
    takeOver: () => ({ request, response }),
  };
}

function openWriter(response: ServerResponse, status: number, headers: ResponseHeaders): ResponseWriter {
  if (!response.destroyed) {
    response.writeHead(status, headers as Record<string, string>);
    response.flushHeaders();
  }
  return {
    write: (chunk) => response.destroyed || response.write(chunk),
    onDrain: (callback) => void response.once('drain', callback),
    get buffered() {
      return response.writableLength;
    },
    end(trailing) {
      if (response.destroyed) return;
      if (trailing === undefined) response.end();
      else response.end(trailing);
    },
  };
}
