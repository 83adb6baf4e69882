import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Exchange, ResponseHeaders, ResponseWriter } from './exchange.ts';
import { readBody } from './read-body.ts';

export function http1Exchange(request: IncomingMessage, response: ServerResponse): Exchange {
  return new Http1Exchange(request, response);
}

/** A class and not a literal: closures made per request outlive it by many collections of young memory. */
class Http1Exchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly protocol = 'HTTP/1.1';
  readonly headers: Exchange['headers'];
  readonly rawHeaders: Exchange['rawHeaders'];
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  added: Exchange['added'];

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.method = request.method ?? 'GET';
    this.url = request.url ?? '/';
    this.headers = request.headers;
    this.rawHeaders = request.rawHeaders;
    this.incoming = request;
    this.response = response;
    this.added = undefined;
  }

  get socket(): TLSSocket {
    return this.incoming.socket as TLSSocket;
  }

  get hasBody(): boolean {
    const { headers } = this.incoming;
    return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  }

  readBody(limit: number): Promise<Buffer> {
    return readBody(this.incoming, limit);
  }

  respond(status: number, headers: ResponseHeaders, body: Buffer | string | undefined): void {
    const { response } = this;
    if (response.destroyed || response.headersSent) {
      response.destroy();
      return;
    }
    const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    headers['content-length'] = length;
    if (this.added) Object.assign(headers, this.added);
    response.writeHead(status, headers as Record<string, string>);
    if (this.method === 'HEAD') response.end();
    else response.end(body);
  }

  open(status: number, headers: ResponseHeaders): ResponseWriter {
    if (this.added) Object.assign(headers, this.added);
    return openWriter(this.response, status, headers);
  }

  onClose(callback: () => void): void {
    this.response.once('close', callback);
  }

  takeOver(): { request: IncomingMessage; response: ServerResponse } {
    return { request: this.incoming, response: this.response };
  }
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
