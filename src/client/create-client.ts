import {
  apiVersionOf,
  type KubernetesList,
  type KubernetesObject,
  type Resource,
  resourcePath,
} from '../api/object.ts';
import { ApiError } from '../api/status.ts';
import { KnarrError, messageOf } from '../base/errors.ts';
import type {
  At,
  Client,
  DeleteOptions,
  ListOptions,
  Patch,
  RawRequest,
  Transport,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';

const patchTypes: Record<Patch['type'], string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

type Query = NonNullable<RawRequest['query']>;

function listQuery(options: ListOptions & Partial<WatchOptions>): Query {
  const query: Query = {};
  if (options.labelSelector) query.labelSelector = options.labelSelector;
  if (options.fieldSelector) query.fieldSelector = options.fieldSelector;
  if (options.limit !== undefined) query.limit = String(options.limit);
  if (options.continue) query.continue = options.continue;
  if (options.resourceVersion !== undefined) query.resourceVersion = options.resourceVersion;
  if (options.allowWatchBookmarks) query.allowWatchBookmarks = 'true';
  if (options.sendInitialEvents !== undefined) {
    query.sendInitialEvents = String(options.sendInitialEvents);
    query.resourceVersionMatch = 'NotOlderThan';
  }
  if (options.timeoutSeconds !== undefined) query.timeoutSeconds = String(options.timeoutSeconds);
  return query;
}

function writeQuery(options: WriteOptions): Query {
  const query: Query = {};
  if (options.fieldManager) query.fieldManager = options.fieldManager;
  if (options.dryRun) query.dryRun = 'All';
  return query;
}

/** The error that an answer stands for: its Status object, or one made from the code and text. */
export function errorOf(status: number, body: unknown): ApiError {
  const value = body as { kind?: unknown } | null | undefined;
  if (typeof value === 'object' && value !== null && value.kind === 'Status') return new ApiError(value as never);
  const text = typeof body === 'string' ? body.trim() : JSON.stringify(body ?? '');
  const reasons: Record<number, string> = {
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    409: 'Conflict',
    410: 'Expired',
    429: 'TooManyRequests',
    503: 'ServiceUnavailable',
  };
  const reason = reasons[status] ?? (status >= 500 ? 'InternalError' : 'BadRequest');
  const message = text === '' ? `the server answered ${status}` : text;
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code: status,
  });
}

/** A frame of a watch as it is; an error is thrown. */
export function goodFrame(frame: { type: string; object: unknown }): { type: string; object: unknown } {
  if (frame.type !== 'ERROR') return frame;
  throw errorOf((frame.object as { code?: number }).code ?? 500, frame.object);
}

/** The typed way in, over any transport. */
export function createClient(transport: Transport): Client {
  const send = async (request: RawRequest): Promise<unknown> => {
    let answer: { status: number; body: unknown };
    try {
      answer = await transport.send(request);
    } catch (error) {
      if (error instanceof ApiError || error instanceof KnarrError) throw error;
      throw new KnarrError({
        code: 'api-unreachable',
        blame: 'world',
        message: `${request.method} ${request.path}: ${messageOf(error)}`,
        cause: error,
      });
    }
    if (answer.status >= 400) throw errorOf(answer.status, answer.body);
    return answer.body;
  };

  const withKind = <T extends KubernetesObject>(resource: Resource<T>, object: T, options: At): T =>
    options.subresource !== undefined || (object.apiVersion !== undefined && object.kind !== undefined)
      ? object
      : { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };

  const namespaceOf = (object: KubernetesObject, options: At): string | undefined =>
    options.namespace ?? object.metadata?.namespace;

  return {
    async get(resource, name, options = {}) {
      const path = resourcePath(resource, { namespace: options.namespace, name, subresource: options.subresource });
      return (await send({ method: 'GET', path, signal: options.signal })) as never;
    },

    async list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}) {
      const path = resourcePath(resource, { namespace: options.namespace });
      return (await send({
        method: 'GET',
        path,
        query: listQuery(options),
        metadataOnly: options.metadataOnly,
        signal: options.signal,
      })) as KubernetesList<T>;
    },

    watch<T extends KubernetesObject>(resource: Resource<T>, options: WatchOptions) {
      const path = resourcePath(resource, { namespace: options.namespace });
      const query = { ...listQuery(options), watch: 'true' };
      const { metadataOnly, signal } = options;
      const frames = transport.stream({ method: 'GET', path, query, metadataOnly, signal });
      return frames as AsyncIterable<WatchEvent<T>>;
    },

    async create(resource, object, options = {}) {
      const path = resourcePath(resource, {
        namespace: resource.namespaced ? namespaceOf(object, options) : undefined,
        name: options.subresource === undefined ? undefined : (options.name ?? object.metadata.name),
        subresource: options.subresource,
      });
      const body = withKind(resource, object, options);
      return (await send({ method: 'POST', path, query: writeQuery(options), body, signal: options.signal })) as never;
    },

    async update(resource, object, options = {}) {
      const path = resourcePath(resource, {
        namespace: resource.namespaced ? namespaceOf(object, options) : undefined,
        name: options.name ?? object.metadata.name,
        subresource: options.subresource,
      });
      const body =
        object.kind === undefined ? { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind } : object;
      return (await send({ method: 'PUT', path, query: writeQuery(options), body, signal: options.signal })) as never;
    },

    async patch(resource, name, patch, options = {}) {
      const path = resourcePath(resource, { namespace: options.namespace, name, subresource: options.subresource });
      const query = writeQuery(options);
      if (patch.type === 'apply' && patch.force) query.force = 'true';
      const contentType = patchTypes[patch.type];
      return (await send({
        method: 'PATCH',
        path,
        query,
        body: patch.body,
        contentType,
        signal: options.signal,
      })) as never;
    },

    async delete(resource, name, options: DeleteOptions = {}) {
      const path = resourcePath(resource, { namespace: options.namespace, name, subresource: options.subresource });
      const body: Record<string, unknown> = { kind: 'DeleteOptions', apiVersion: 'v1' };
      if (options.gracePeriodSeconds !== undefined) body.gracePeriodSeconds = options.gracePeriodSeconds;
      if (options.propagationPolicy !== undefined) body.propagationPolicy = options.propagationPolicy;
      if (options.preconditions !== undefined) body.preconditions = options.preconditions;
      await send({ method: 'DELETE', path, body, signal: options.signal });
    },

    raw: send,
  };
}
