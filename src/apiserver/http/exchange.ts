import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export type ResponseHeaders = Record<string, string | number | readonly string[]>;

/**
 * One request and its answer, the same over HTTP/1.1 and HTTP/2. Exactly one of `respond`, `open` and `takeOver` is
 * called, once. After the client has gone, writes are dropped silently.
 */
export interface Exchange {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly protocol: 'HTTP/1.1' | 'HTTP/2.0';
  readonly socket: TLSSocket;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values in turn, as they came: `headers` joins what was sent under one name. */
  readonly rawHeaders: readonly string[];
  /** Whether a body comes with the request. */
  readonly hasBody: boolean;
  /** Headers that the answer gets, whatever it is. */
  added: Readonly<Record<string, string>> | undefined;
  /** The request's body as it arrives; for relays. */
  readonly incoming: Readable;
  /** The whole body. Rejects with a 413 ApiError past `limit` bytes. */
  readBody(limit: number): Promise<Buffer>;
  /** An answer that has begun already is cut off: what it would have been is not to be told any more. */
  respond(status: number, headers: ResponseHeaders, body: Buffer | string | undefined): void;
  open(status: number, headers: ResponseHeaders): ResponseWriter;
  /** Called once when the client has gone or the answer is complete. */
  onClose(callback: () => void): void;
  /** The request in the form of `node:http`, for handlers that are written for it. */
  takeOver(): { request: IncomingMessage; response: ServerResponse };
}

export interface ResponseWriter {
  /** False: wait for `onDrain` before writing more. */
  write(chunk: Buffer | string): boolean;
  onDrain(callback: () => void): void;
  /** Bytes that were written and not yet taken by the client. */
  readonly buffered: number;
  end(trailing?: Buffer | string): void;
}

/** Every value that was sent under a name (in lower case), apart: values may hold commas. */
export function headerValues({ rawHeaders }: Pick<Exchange, 'rawHeaders'>, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? '');
  return values;
}

/** The one value of a header (the first when it was repeated). */
export function headerOf(headers: Exchange['headers'], name: string): string | undefined {
  const value = headers[name];
  return value === undefined || typeof value === 'string' ? value : value[0];
}

/** The key of an extra, as the rest of a header's name holds it; what is malformed stays as it is. */
export function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
