import type { KubernetesObject } from '../../api/object.ts';
import type { Decision } from '../authz/authorizer.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Encoding } from '../http/negotiate.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { ListResult, Maybe, RequestContext, ResourceStore, Stored, WatchOptions } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';

/** A request body: bytes with their encoding from the wire, or a value from within the process. */
export type CallBody =
  | {
      readonly kind: 'bytes';
      readonly bytes: Buffer;
      readonly contentType: string | undefined;
      readonly encoding: Encoding | undefined;
    }
  | { readonly kind: 'value'; readonly value: unknown; readonly contentType: string | undefined };

/** One authenticated request on its way through authorization and a handler, from the wire or from within. */
export interface Call {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly headers: Exchange['headers'];
  /** Texts for `Warning` headers, in order. */
  readonly warnings: string[];
  readonly context: RequestContext;
  body(): Maybe<CallBody>;
  /** The connection, for handlers that relay it; undefined within the process. */
  readonly exchange: Exchange | undefined;
  /** Told what the authorizer says, before anything is done about it. */
  readonly decided?: ((decision: Decision) => void) | undefined;
  /** Told what the body says, once that is read; nobody may keep or change it. */
  readonly requested?: ((object: object) => void) | undefined;
}

/** What a handler gives back; how it becomes bytes is the transport's business. */
export type Answer =
  | { readonly kind: 'stored'; readonly status: number; readonly stored: Stored; readonly store: ResourceStore }
  | {
      readonly kind: 'object';
      readonly status: number;
      readonly object: KubernetesObject | object;
      readonly headers?: Record<string, string>;
      /** Of what resource it is, where it can be turned into another form. */
      readonly store?: ResourceStore;
    }
  | { readonly kind: 'list'; readonly result: ListResult; readonly store: ResourceStore }
  | {
      readonly kind: 'watch';
      readonly store: ResourceStore;
      readonly options: WatchOptions;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: 'bytes';
      readonly status: number;
      readonly type: string;
      readonly body: Buffer | string;
      readonly headers?: Record<string, string> | undefined;
    }
  /** A watch that somebody else answers, for a reader within the process. */
  | { readonly kind: 'frames'; readonly frames: AsyncIterable<{ type: string; object: object }> }
  /** The handler has taken the exchange over and answers by itself. */
  | { readonly kind: 'taken' };

/** A handler of one verb on a resource that has a store. */
export type StoreHandler = (call: Call, store: ResourceStore) => Maybe<Answer>;
/** A handler of anything else. */
export type Handler = (call: Call) => Maybe<Answer>;

/** An answer in plain text, which no browser shall take for anything else. */
export const plainText = (status: number, body: string): Answer => ({
  kind: 'bytes',
  status,
  type: 'text/plain; charset=utf-8',
  body,
  headers: { 'x-content-type-options': 'nosniff' },
});
