import { randomUUID } from 'node:crypto';
import { gzip } from 'node:zlib';
import type { ListMeta } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { ApiError } from '../../api/status.ts';
import { isCustom } from '../discovery/model.ts';
import type { Answer, Call } from '../handlers/call.ts';
import type { ResourceStore } from '../registry/types.ts';
import { encodeObject, listBytes, listMeta, sentList } from './encode.ts';
import { type Exchange, headerOf, type ResponseHeaders } from './exchange.ts';
import {
  type Endpoint,
  endpoints,
  isForReading,
  type MediaType,
  negotiate,
  negotiateAny,
  negotiatePlain,
} from './negotiate.ts';
import type { OpenWatches } from './open-watches.ts';
import type { RequestInfo } from './request-info.ts';
import { columnTexts, transformList, transformObject, transformQuery } from './transform.ts';
import { warningHeaders } from './warnings.ts';
import { serveWatch } from './watch.ts';

/** Answers of this size or more are compressed for those who ask. */
const gzipFrom = 128 * 1024;

/** The headers that every answer has. */
export function baseHeaders(type: string, warnings: readonly string[] = []): ResponseHeaders {
  const headers: ResponseHeaders = {
    'audit-id': randomUUID(),
    'cache-control': 'no-cache, private',
    ...(type === '' ? {} : { 'content-type': type }),
  };
  if (warnings.length > 0) headers.warning = warningHeaders(warnings);
  return headers;
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

/** Subresources of which upstream makes no tables. */
const tableless = new Set(['binding', 'ephemeralcontainers', 'eviction', 'resize', 'token']);

/** What a place of a resource can answer with. */
export function endpointOf(
  store: ResourceStore,
  { verb, subresource }: Pick<RequestInfo, 'verb' | 'subresource'>,
): Endpoint {
  const { definition } = store;
  if (isCustom(store)) return endpoints.custom;
  if (subresource === 'log') return endpoints.log;
  if (tableless.has(subresource)) return endpoints.review;
  if (verb === 'list' || verb === 'watch') return endpoints.list;
  return definition.verbs.every((known) => known === 'create') ? endpoints.review : endpoints.object;
}

const line = Buffer.from('\n');

/** Writes an answer in the form that the request's Accept header asks for. */
export async function sendAnswer(
  exchange: Exchange,
  call: Call,
  answer: Answer,
  openWatches: OpenWatches,
): Promise<void> {
  const send = (status: number, type: string, body: Buffer | string, headers?: Record<string, string>): void =>
    sendBytes(exchange, status, { ...baseHeaders(type, call.warnings), ...headers }, body);
  const accept = headerOf(exchange.headers, 'accept');
  const formOf = (type: MediaType): MediaType =>
    !type.pretty && isForReading(exchange.url, exchange.headers) ? { ...type, pretty: true } : type;
  switch (answer.kind) {
    case 'taken':
      return;
    case 'bytes':
      send(answer.status, answer.type, answer.body, answer.headers);
      return;
    case 'object': {
      const form = formOf(negotiateAny(accept));
      const { type, body } = encodeObject(form, await inForm(form, answer, call.query));
      send(answer.status, type, body, answer.headers);
      return;
    }
    case 'stored': {
      const { store, stored } = answer;
      const type = formOf(negotiate(accept, endpointOf(store, call.info)));
      if (isPlain(type)) {
        send(answer.status, type.type, Buffer.concat([stored.bytes, line]));
        return;
      }
      const { object } = stored;
      const form =
        type.as === ''
          ? object
          : transformObject(type, store, object, {
              query: transformQuery(call.query),
              texts: await columnTexts(type, store),
            });
      const encoded = encodeObject(type, form);
      send(answer.status, encoded.type, encoded.body);
      return;
    }
    case 'list': {
      const { store, result } = answer;
      const type = formOf(negotiate(accept, endpointOf(store, call.info)));
      if (isPlain(type)) {
        send(200, type.type, listBytes(store, result));
        return;
      }
      const form =
        type.as === ''
          ? sentList(store, result)
          : transformList(
              type,
              store,
              result.items.map((item) => item.object),
              listMeta(result),
              { query: transformQuery(call.query), texts: await columnTexts(type, store) },
            );
      const encoded = encodeObject(type, form);
      send(200, encoded.type, encoded.body);
      return;
    }
    case 'watch':
      await serveWatch(exchange, call, answer, openWatches);
  }
}

/** An object that no store keeps, or a list of these, in the form that was asked for. */
async function inForm(
  type: MediaType,
  { object, store }: Extract<Answer, { kind: 'object' }>,
  query: URLSearchParams,
): Promise<object> {
  if (!store || type.as === '') return object;
  const form = { query: transformQuery(query), texts: await columnTexts(type, store) };
  const { items, metadata } = object as { items?: KubernetesObject[]; metadata?: ListMeta };
  return items
    ? transformList(type, store, items, metadata ?? {}, form)
    : transformObject(type, store, object as KubernetesObject, form);
}

const isPlain = (type: MediaType): boolean => type.encoding === 'json' && type.as === '' && !type.pretty;

/** Writes a failure as a Status object. */
export function sendError(exchange: Exchange, error: ApiError, warnings: readonly string[] = []): void {
  const type = negotiatePlain(headerOf(exchange.headers, 'accept'));
  const pretty = type.pretty || isForReading(exchange.url, exchange.headers);
  const encoded = encodeObject(pretty ? { ...type, pretty } : type, error.status);
  // Upstream's router refuses media types before anything is there that warns.
  const headers = baseHeaders(encoded.type, error.code === 406 || error.code === 415 ? [] : warnings);
  const retry = error.status.details?.retryAfterSeconds;
  if (retry !== undefined && retry > 0) headers['retry-after'] = String(retry);
  if (error.code === 403 || error.code === 401) headers['x-content-type-options'] = 'nosniff';
  exchange.respond(error.code, headers, encoded.body);
}
