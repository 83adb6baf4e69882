import { apiVersionOf, type KubernetesObject, type Resource } from '../api/object.ts';
import { ApiError } from '../api/status.ts';
import { createBackoff, delay } from '../base/abort.ts';
import { messageOf, toError } from '../base/errors.ts';
import { type Logger, silent } from '../base/log.ts';
import type { Client } from './client.ts';
import { deepFreeze } from './freeze.ts';
import { createIndexedStore, type IndexFunction } from './indexed-store.ts';

/** Told of every change, synchronously and in order; what a handler throws is logged and goes no further. */
export interface Handler<T> {
  add?(object: T): void;
  update?(object: T, old: T): void;
  /** `object` is the last state known. */
  delete?(object: T): void;
}

export interface Selection {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

/** A live, read-only copy of what a list would answer. Objects are frozen. */
export interface Informer<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  /** Resolves when the first list is in the copy and the handlers that were there have been told of it. */
  readonly synced: Promise<void>;
  hasSynced(): boolean;
  /** The newest revision whose effects are in the copy; empty before the first list. */
  readonly resourceVersion: string;
  get(name: string, namespace?: string): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** What `index` files under `value`; throws for an unknown index. */
  byIndex(index: string, value: string): readonly T[];
  /** Adds an index at any time (`namespace` and `owner`, by controller uid, are always there); the same name twice is once. */
  addIndex(name: string, index: IndexFunction<T>): void;
  /** The handler is told at once of what is there. Returns what takes it off again. */
  addHandler(handler: Handler<T>): () => void;
  /**
   * Puts the answer of an own write into the copy if the watch has not come to it yet, so that the next look at the
   * copy does not miss it. Handlers are told as of any change; the watch event that follows is then none.
   */
  observe(object: T): void;
  start(): void;
  stop(): Promise<void>;
}

export interface InformerOptions<T extends KubernetesObject> extends Selection {
  client: Client;
  resource: Resource<T>;
  log?: Logger | undefined;
  /** Cuts an object down before it is kept (what the copy holds is what this returns). */
  transform?: ((object: T) => T) | undefined;
  /** Of the objects nothing is asked for but their metadata. */
  metadataOnly?: boolean | undefined;
}

/** Namespace and name in one text: `ns/name`, or the name alone. */
export function keyOf(object: KubernetesObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : (name ?? '');
}

/** The reverse of `keyOf`. */
export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Revisions are decimal counters of one store; anything else compares as older. */
function isNewer(a: string | undefined, b: string | undefined): boolean {
  const left = Number(a ?? '');
  const right = Number(b ?? '');
  return Number.isFinite(left) && left > (Number.isFinite(right) ? right : 0);
}

/** List, then watch from the list's revision for ever; a lost watch resumes, an expired revision lists again. */
export function createInformer<T extends KubernetesObject>(options: InformerOptions<T>): Informer<T> {
  const { client, resource, log = silent, transform, namespace, labelSelector, fieldSelector, metadataOnly } = options;
  const selection = { namespace, labelSelector, fieldSelector, metadataOnly };
  const store = createIndexedStore<T>();
  store.addIndex('namespace', (o) => (o.metadata.namespace ? [o.metadata.namespace] : []));
  store.addIndex('owner', (o) => {
    const owner = o.metadata.ownerReferences?.find((r) => r.controller === true);
    return owner ? [owner.uid] : [];
  });
  const handlers = new Set<Handler<T>>();
  const sync = Promise.withResolvers<void>();
  sync.promise.catch(() => {});
  const lifetime = new AbortController();
  const backoff = createBackoff({ initialMs: 100, maxMs: 10_000, jitter: 0.3 });
  let hasSynced = false;
  let revision = '';
  let running: Promise<void> | undefined;

  const tell = (call: (handler: Handler<T>) => void): void => {
    for (const handler of handlers) {
      try {
        call(handler);
      } catch (error) {
        log.error(`handler of ${resource.resource} failed`, { error: toError(error).stack ?? messageOf(error) });
      }
    }
  };

  const shape = (object: T): T => deepFreeze(transform ? transform(object) : object);

  /** `asOf`: the revision at which `raw` was the truth; what is known to be newer stays. */
  const put = (raw: T, asOf = raw.metadata.resourceVersion): void => {
    const key = keyOf(raw);
    const old = store.get(key);
    if (old !== undefined) {
      if (old.metadata.resourceVersion === raw.metadata.resourceVersion) return;
      if (isNewer(old.metadata.resourceVersion, asOf)) return;
    }
    const object = shape(raw);
    store.set(key, object);
    if (old !== undefined && old.metadata.uid === object.metadata.uid) {
      tell((h) => h.update?.(object, old));
      return;
    }
    if (old !== undefined) tell((h) => h.delete?.(old));
    tell((h) => h.add?.(object));
  };

  const remove = (object: T): void => {
    const known = store.get(keyOf(object));
    if (
      known === undefined ||
      (known.metadata.uid !== object.metadata.uid &&
        isNewer(known.metadata.resourceVersion, object.metadata.resourceVersion))
    )
      return;
    const old = store.delete(keyOf(object));
    if (old !== undefined) tell((h) => h.delete?.(transform ? old : deepFreeze(object)));
  };

  const relist = async (): Promise<void> => {
    const list = await client.list(resource, { ...selection, signal: lifetime.signal });
    const seen = new Set(list.items.map(keyOf));
    const newest = list.metadata.resourceVersion ?? '';
    // An object put in by `observe` after the list was made is not gone.
    for (const old of [...store.values()]) {
      if (!seen.has(keyOf(old)) && !isNewer(old.metadata.resourceVersion, newest)) remove(old);
    }
    for (const item of list.items) put(item, newest);
    revision = newest;
    if (!hasSynced) {
      hasSynced = true;
      sync.resolve();
    }
  };

  const follow = async (): Promise<void> => {
    const timeoutSeconds = Math.round(300 + Math.random() * 300);
    const events = client.watch(resource, {
      ...selection,
      resourceVersion: revision,
      allowWatchBookmarks: true,
      timeoutSeconds,
      signal: lifetime.signal,
    });
    for await (const { type, object } of events) {
      if (lifetime.signal.aborted) return;
      backoff.reset();
      if (type === 'ADDED' || type === 'MODIFIED') put(object);
      else if (type === 'DELETED') remove(object);
      const at = object.metadata.resourceVersion;
      if (at !== undefined) revision = at;
    }
  };

  const loop = async (): Promise<void> => {
    while (!lifetime.signal.aborted) {
      const began = performance.now();
      try {
        if (revision === '') await relist();
        if (lifetime.signal.aborted) return;
        await follow();
        if (performance.now() - began < 1000) await delay(backoff.next(), lifetime.signal);
      } catch (error) {
        if (lifetime.signal.aborted) return;
        if (error instanceof ApiError && (error.code === 410 || error.code === 400)) {
          log.info(`lists ${resource.resource} again`, { why: error.message });
          revision = '';
        } else {
          log.warn(`watching ${resource.resource} failed`, { error: messageOf(error) });
        }
        await delay(backoff.next(), lifetime.signal);
      }
    }
  };

  return {
    resource,
    synced: sync.promise,
    hasSynced: () => hasSynced,
    get resourceVersion() {
      return revision;
    },
    get: (name, inNamespace) => store.get(inNamespace ? `${inNamespace}/${name}` : name),
    list: (inNamespace) => (inNamespace ? store.byIndex('namespace', inNamespace) : [...store.values()]),
    byIndex: (index, value) => store.byIndex(index, value),
    addIndex: (name, index) => store.addIndex(name, index),
    addHandler(handler) {
      handlers.add(handler);
      for (const object of [...store.values()]) {
        try {
          handler.add?.(object);
        } catch (error) {
          log.error(`handler of ${resource.resource} failed`, { error: messageOf(error) });
        }
      }
      return () => void handlers.delete(handler);
    },
    observe(object) {
      if (!hasSynced || !isNewer(object.metadata.resourceVersion, revision)) return;
      put(object);
    },
    start() {
      running ??= loop();
    },
    async stop() {
      lifetime.abort();
      sync.reject(new Error(`the informer of ${resource.resource} was stopped`));
      await running;
    },
  };
}

/** Informers that all parts of one process share: one per resource and selection. */
export interface InformerFactory {
  /** The informer is started when the factory is, or at once when that has happened. */
  informer<T extends KubernetesObject>(resource: Resource<T>, selection?: Selection): Informer<T>;
  start(): void;
  /** Resolves when every informer asked for so far holds its first list. */
  synced(): Promise<void>;
  stop(): Promise<void>;
}

export function createInformerFactory(client: Client, options: { log?: Logger } = {}): InformerFactory {
  const log = options.log ?? silent;
  const informers = new Map<string, Informer<KubernetesObject>>();
  let started = false;

  return {
    informer<T extends KubernetesObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> {
      const { namespace = '', labelSelector = '', fieldSelector = '' } = selection;
      const key = [apiVersionOf(resource), resource.resource, namespace, labelSelector, fieldSelector].join(' ');
      const known = informers.get(key);
      if (known) return known as unknown as Informer<T>;
      const made = createInformer<T>({ client, resource, log, ...selection });
      informers.set(key, made as unknown as Informer<KubernetesObject>);
      if (started) made.start();
      return made;
    },
    start() {
      started = true;
      for (const informer of informers.values()) informer.start();
    },
    async synced() {
      await Promise.all([...informers.values()].map((i) => i.synced));
    },
    async stop() {
      await Promise.all([...informers.values()].map((i) => i.stop()));
    },
  };
}
