import type { KubernetesObject } from '../../src/api/object.ts';
import type { RawRequest, Transport } from '../../src/client/client.ts';

interface Listener {
  root: string;
  namespace: string | undefined;
  push(event: { type: string; object: unknown }): void;
}

type Json = Record<string, unknown>;

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Json = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** `/api/v1/namespaces/x/services/y/status` → what it names; the kinds of a test are few, so plural means resource. */
function parsePath(path: string): { root: string; namespace?: string; name?: string } {
  const parts = path.split('/').filter(Boolean);
  const version = parts[0] === 'api' ? 2 : 3;
  const root = parts.slice(0, version).join('/');
  const rest = parts.slice(version);
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  const [resource, name] = namespaced ? rest.slice(2) : rest;
  return {
    root: `${root}/${resource}`,
    ...(namespaced ? { namespace: rest[1] as string } : {}),
    ...(name ? { name } : {}),
  };
}

/** The least of an API that informers and writers need: objects in memory, no validation, no defaults. */
export function createMemoryTransport(): Transport {
  const objects = new Map<string, KubernetesObject>();
  const listeners = new Set<Listener>();
  let revision = 0;

  const keyOf = (root: string, namespace: string | undefined, name: string): string =>
    `${root} ${namespace ?? ''} ${name}`;
  const tell = (type: string, root: string, object: KubernetesObject): void => {
    for (const listener of listeners)
      if (listener.root === root && (!listener.namespace || listener.namespace === object.metadata.namespace))
        listener.push({ type, object });
  };
  const status = (code: number, reason: string): { status: number; body: unknown } => ({
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message: reason, code },
  });

  const store = (type: string, root: string, key: string, raw: KubernetesObject): KubernetesObject => {
    revision += 1;
    const uid = objects.get(key)?.metadata.uid ?? `uid-${revision}`;
    const object = { ...raw, metadata: { ...raw.metadata, uid, resourceVersion: String(revision) } };
    objects.set(key, object);
    tell(type, root, object);
    return object;
  };

  const send = async (request: RawRequest): Promise<{ status: number; body: unknown }> => {
    const { root, namespace, name } = parsePath(request.path);
    const method = request.method.toUpperCase();
    if (name === undefined) {
      if (method === 'POST') {
        const raw = request.body as KubernetesObject;
        const key = keyOf(root, namespace, raw.metadata.name ?? '');
        if (objects.has(key)) return status(409, 'AlreadyExists');
        const placed = { ...raw, metadata: { ...raw.metadata, ...(namespace ? { namespace } : {}) } };
        return { status: 201, body: store('ADDED', root, key, placed) };
      }
      const prefix = `${root} ${namespace ?? ''}`;
      const items = [...objects].filter(([k]) => k.startsWith(prefix)).map(([, o]) => o);
      return { status: 200, body: { kind: 'List', metadata: { resourceVersion: String(revision) }, items } };
    }
    const key = keyOf(root, namespace, name);
    const old = objects.get(key);
    if (old === undefined) return status(404, 'NotFound');
    if (method === 'GET') return { status: 200, body: old };
    if (method === 'DELETE') {
      objects.delete(key);
      revision += 1;
      tell('DELETED', root, { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } });
      return { status: 200, body: old };
    }
    const next = method === 'PUT' ? request.body : mergePatch(old, request.body);
    return { status: 200, body: store('MODIFIED', root, key, next as KubernetesObject) };
  };

  return {
    send,
    async *stream(request) {
      const { root, namespace } = parsePath(request.path);
      const queue: { type: string; object: unknown }[] = [];
      let wake = Promise.withResolvers<void>();
      const since = Number(request.query?.resourceVersion ?? 0);
      for (const [key, object] of objects)
        if (key.startsWith(`${root} `) && Number(object.metadata.resourceVersion) > since)
          queue.push({ type: 'ADDED', object });
      const listener: Listener = {
        root,
        namespace,
        push(event) {
          queue.push(event);
          wake.resolve();
        },
      };
      listeners.add(listener);
      const stop = (): void => wake.resolve();
      request.signal?.addEventListener('abort', stop);
      try {
        while (!request.signal?.aborted) {
          const event = queue.shift();
          if (event) yield event;
          else {
            wake = Promise.withResolvers<void>();
            if (queue.length === 0 && !request.signal?.aborted) await wake.promise;
          }
        }
      } finally {
        listeners.delete(listener);
        request.signal?.removeEventListener('abort', stop);
      }
    },
  };
}
