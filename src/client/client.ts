import type { KubernetesList, KubernetesObject, Resource } from '../api/object.ts';

/**
 * The way in which any part of Knarr talks to a Kubernetes API: over HTTP, or in process on a server.
 * Every method throws `ApiError` for what the API refuses and `KnarrError` (`api-unreachable`) for what did not arrive.
 * Objects that come back may be shared and frozen: copy (`structuredClone`) before changing.
 */
export interface Client {
  get<T extends KubernetesObject>(resource: Resource<T>, name: string, options?: At): Promise<T>;
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<KubernetesList<T>>;
  /**
   * Events from `resourceVersion` on, until the server ends the watch (its time-out) or `signal` aborts: then the
   * iteration ends normally. An ERROR event is thrown as `ApiError` (code 410: list again).
   */
  watch<T extends KubernetesObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubernetesObject>(resource: Resource<T>, object: NoInfer<T>, options?: WriteOptions): Promise<T>;
  /** PUT of the whole object; `metadata.resourceVersion` in it makes it conditional. */
  update<T extends KubernetesObject>(resource: Resource<T>, object: NoInfer<T>, options?: WriteOptions): Promise<T>;
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    name: string,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T>;
  delete<T extends KubernetesObject>(resource: Resource<T>, name: string, options?: DeleteOptions): Promise<void>;
  /** Anything else: one request with a JSON body, one JSON (or text) answer. */
  raw(request: RawRequest): Promise<unknown>;
}

export interface At {
  namespace?: string | undefined;
  subresource?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface ListOptions extends At {
  /** Of each object nothing is needed but its metadata. */
  metadataOnly?: boolean | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
}

export interface WatchOptions extends ListOptions {
  allowWatchBookmarks?: boolean | undefined;
  sendInitialEvents?: boolean | undefined;
  timeoutSeconds?: number | undefined;
}

export interface WriteOptions extends At {
  fieldManager?: string | undefined;
  dryRun?: boolean | undefined;
  /** Where the path needs another name than the object's (a `create` on a subresource). */
  name?: string | undefined;
}

export interface DeleteOptions extends At {
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
}

export type Patch =
  | { type: 'json'; body: readonly { op: string; path: string; value?: unknown; from?: string }[] }
  | { type: 'merge' | 'strategic'; body: object }
  | { type: 'apply'; body: object; force?: boolean };

export type WatchEvent<T> = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T };

export interface RawRequest {
  method: string;
  path: string;
  query?: Record<string, string | readonly string[] | undefined>;
  body?: unknown;
  contentType?: string;
  /** Of a list or a watch: of the objects nothing is needed but their metadata. */
  metadataOnly?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * What a Client stands on. `send` resolves with any HTTP status; the Client turns failures into errors.
 * In process no bytes are made: `body` and `object` are values, given and taken as they are.
 */
export interface Transport {
  send(request: RawRequest): Promise<{ status: number; body: unknown }>;
  /**
   * The frames of a watch, as parsed objects `{type, object}`; ends when the server ends it or the signal aborts. An
   * ERROR is thrown as `ApiError`.
   */
  stream(request: RawRequest): AsyncIterable<{ type: string; object: unknown }>;
}
