import { randomUUID } from 'node:crypto';
import { gzip } from 'node:zlib';
import { parseKind } from '../../api/schema.ts';
import type { ApiError } from '../../api/status.ts';
import { hasMessage } from '../../wire/protobuf.ts';
import type { Answer, Call } from '../handlers/call.ts';
import type { ResourceStore } from '../registry/types.ts';
import { encodeObject, listBytes, listKind, listMeta, listObject } from './encode.ts';
import { type Exchange, headerOf, type ResponseHeaders } from './exchange.ts';
import { negotiate, negotiateError, parseAccept } from './negotiate.ts';
import type { OpenWatches } from './open-watches.ts';
import { columnTexts, transformList, transformObject, transformQuery } from './transform.ts';
import { serveWatch } from './watch.ts';

/** Answers of this size or more are compressed for those who ask. */
const gzipFrom = 128 * 1024;

/** The headers that every answer has. */
export function baseHeaders(type: string, warnings: readonly string[] = []): ResponseHeaders {
  const headers: ResponseHeaders = {
    'audit-id': randomUUID(),
    'cache-control': 'no-cache, private',
    'content-type': type,
  };
  if (warnings.length > 0) headers.warning = warnings.map(warningHeader);
  return headers;
}

/** RFC 7234 §5.5 with code 299 and no agent, as upstream writes it. */
function warningHeader(text: string): string {
  const safe = text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"');
  return `299 - "${Buffer.from(safe).toString('latin1')}"`;
}

export function sendBytes(exchange: Exchange, status: number, headers: ResponseHeaders, body: Buffer | string): void {
  const large = body.length >= gzipFrom;
  if (!large || !(headerOf(exchange.headers, 'accept-encoding') ?? '').includes('gzip')) {
    exchange.respond(status, headers, body);
    return;
  }
  gzip(body, { level: 1 }, (error, compressed) => {
    if (!error) {
      headers['content-encoding'] = 'gzip';
      headers.vary = 'Accept-Encoding';
    }
    exchange.respond(status, headers, error ? body : compressed);
  });
}

const protobufOf = new WeakMap<ResourceStore, boolean>();

/** Whether a resource's kind can be sent as protobuf. */
export function speaksProtobuf(store: ResourceStore): boolean {
  let known = protobufOf.get(store);
  if (known === undefined) {
    const { apiVersion } = listKind(store);
    known = hasMessage(parseKind(apiVersion, store.definition.kind));
    protobufOf.set(store, known);
  }
  return known;
}

/** Writes an answer in the form that the request's Accept header asks for. */
export async function sendAnswer(
  exchange: Exchange,
  call: Call,
  answer: Answer,
  openWatches: OpenWatches,
): Promise<void> {
  const accept = headerOf(exchange.headers, 'accept');
  switch (answer.kind) {
    case 'taken':
      return;
    case 'bytes':
      sendBytes(
        exchange,
        answer.status,
        { ...baseHeaders(answer.type, call.warnings), ...answer.headers },
        answer.body,
      );
      return;
    case 'object': {
      const encoded = encodeObject(negotiateError(accept), answer.object);
      const headers = { ...baseHeaders(encoded.type, call.warnings), ...answer.headers };
      sendBytes(exchange, answer.status, headers, encoded.body);
      return;
    }
    case 'stored': {
      const type = negotiate(accept, { protobuf: speaksProtobuf(answer.store), transform: true });
      if (type.encoding === 'json' && type.as === '') {
        sendBytes(exchange, answer.status, baseHeaders(type.type, call.warnings), answer.stored.bytes);
        return;
      }
      const { object } = answer.stored;
      const form =
        type.as === ''
          ? object
          : transformObject(type, answer.store, object, {
              query: transformQuery(call.query),
              texts: await columnTexts(type, answer.store),
            });
      const encoded = encodeObject(type, form);
      sendBytes(exchange, answer.status, baseHeaders(encoded.type, call.warnings), encoded.body);
      return;
    }
    case 'list': {
      const { store, result } = answer;
      const type = negotiate(accept, { protobuf: speaksProtobuf(store), transform: true });
      if (type.encoding === 'json' && type.as === '') {
        sendBytes(exchange, 200, baseHeaders(type.type, call.warnings), listBytes(store, result));
        return;
      }
      const form =
        type.as === ''
          ? listObject(store, result)
          : transformList(
              type,
              store,
              result.items.map((item) => item.object),
              listMeta(result),
              { query: transformQuery(call.query), texts: await columnTexts(type, store) },
            );
      const encoded = encodeObject(type, form);
      sendBytes(exchange, 200, baseHeaders(encoded.type, call.warnings), encoded.body);
      return;
    }
    case 'watch':
      await serveWatch(exchange, call, answer, openWatches);
  }
}

/** Writes a failure as a Status object. */
export function sendError(exchange: Exchange, error: ApiError, warnings: readonly string[] = []): void {
  const accept = headerOf(exchange.headers, 'accept');
  const encoded = encodeObject(negotiateError(accept), error.status);
  // Upstream's router refuses media types before anything is there that warns.
  const headers = baseHeaders(encoded.type, error.code === 406 || error.code === 415 ? [] : warnings);
  const retry = error.status.details?.retryAfterSeconds;
  if (retry !== undefined && (error.code === 429 || error.code === 503)) headers['retry-after'] = String(retry);
  if (error.code === 403 || error.code === 401) headers['x-content-type-options'] = 'nosniff';
  exchange.respond(error.code, headers, encoded.body);
}

/** Whether somebody asks for a form with `as=`, which errors and discovery look at themselves. */
export const asksFor = (header: string | undefined, as: string): boolean =>
  parseAccept(header).some((t) => t.as === as);
