import type { OwnerReference } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import type { Client, DeleteOptions } from '../../client/client.ts';
import type { ServedResource } from '../runtime/discovery.ts';
import { foreground, type Graph, type Item, isDeleting, orphan, waitsForDependents } from './graph.ts';

export interface CollectorOptions {
  client: Client;
  graph: Graph;
  /** The resource behind an owner reference; undefined: no such kind is served (now). */
  resourceOf(reference: OwnerReference): ServedResource | undefined;
  check(item: Item): void;
  /** A reference that can never be right: an owner in another namespace. */
  invalid(item: Item, reference: OwnerReference): void;
}

type State = 'there' | 'gone' | 'waiting';

/** Looks at one object: deletes it when no owner is left, and lets a waiting owner go when nothing holds it. */
export function createCollector(options: CollectorOptions): {
  check(item: Item): Promise<void>;
  release(item: Item): Promise<void>;
} {
  const { client, graph, resourceOf } = options;
  const absent = new Map<string, number>();

  const patchMeta = async (item: Item, change: object): Promise<void> => {
    const { resource, meta } = item;
    if (!resource || !meta) return;
    const body = { metadata: { uid: meta.uid, resourceVersion: meta.resourceVersion, ...change } };
    try {
      await client.patch(resource, meta.name ?? '', { type: 'merge', body }, { namespace: meta.namespace });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const without = (list: readonly string[] | undefined, gone: string): string[] =>
    (list ?? []).filter((f) => f !== gone);

  const removeFinalizer = (item: Item, finalizer: string): Promise<void> =>
    patchMeta(item, { finalizers: without(item.meta?.finalizers, finalizer) });

  /** Whether an owner that the graph has not seen exists. */
  const existsLive = async (item: Item, reference: OwnerReference): Promise<boolean> => {
    const resource = resourceOf(reference);
    if (!resource) throw new Error(`no resource is known for owner ${reference.apiVersion} ${reference.kind}`);
    const namespace = item.meta?.namespace;
    if (resource.namespaced && !namespace) {
      options.invalid(item, reference);
      return true;
    }
    try {
      const at = resource.namespaced ? { namespace } : {};
      const found: KubernetesObject = await client.get(resource, reference.name, at);
      return found.metadata.uid === reference.uid;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return false;
      throw error;
    }
  };

  const stateOf = async (item: Item, reference: OwnerReference): Promise<State> => {
    const owner = graph.get(reference.uid);
    if (owner?.meta) {
      if (owner.meta.namespace && owner.meta.namespace !== item.meta?.namespace) {
        options.invalid(item, reference);
        return 'gone';
      }
      return waitsForDependents(owner) ? 'waiting' : 'there';
    }
    if (absent.has(reference.uid)) return 'gone';
    if (await existsLive(item, reference)) return 'there';
    absent.set(reference.uid, Date.now());
    if (absent.size > 500) absent.delete(absent.keys().next().value as string);
    return 'gone';
  };

  const remove = async (item: Item, propagationPolicy: DeleteOptions['propagationPolicy']): Promise<void> => {
    const { resource, meta } = item;
    if (!resource || !meta) return;
    const preconditions = { uid: meta.uid, resourceVersion: meta.resourceVersion };
    try {
      await client.delete(resource, meta.name ?? '', { namespace: meta.namespace, propagationPolicy, preconditions });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const blocks = (dependent: Item, owner: Item): boolean =>
    graph.owners(dependent).some((r) => r.uid === owner.uid && r.blockOwnerDeletion === true);

  const letGoWhenFree = async (item: Item): Promise<void> => {
    const blocking = [...item.dependents].filter((d) => blocks(d, item));
    if (blocking.length === 0) {
      await removeFinalizer(item, foreground);
      return;
    }
    for (const dependent of blocking) if (!isDeleting(dependent)) options.check(dependent);
  };

  return {
    async check(item) {
      if (!item.meta || graph.get(item.uid) !== item) return;
      if (isDeleting(item) && !waitsForDependents(item)) return;
      if (waitsForDependents(item)) {
        await letGoWhenFree(item);
        return;
      }
      const references = graph.owners(item);
      if (references.length === 0) return;
      const states = await Promise.all(references.map((r) => stateOf(item, r)));
      if (states.includes('there')) {
        if (states.every((s) => s === 'there')) return;
        await patchMeta(item, { ownerReferences: references.filter((_, i) => states[i] === 'there') });
        return;
      }
      if (states.includes('waiting') && item.dependents.size > 0) {
        // In a circle of owners each would wait for the other: this one's references stop blocking.
        if ([...item.dependents].some(waitsForDependents)) {
          const free = references.map((r) => ({ ...r, blockOwnerDeletion: false }));
          await patchMeta(item, { ownerReferences: free });
          return;
        }
        await remove(item, 'Foreground');
        return;
      }
      const finalizers = item.meta.finalizers ?? [];
      await remove(
        item,
        finalizers.includes(orphan) ? 'Orphan' : finalizers.includes(foreground) ? 'Foreground' : 'Background',
      );
    },

    async release(item) {
      if (!item.meta) return;
      for (const dependent of [...item.dependents]) {
        const rest = graph.owners(dependent).filter((r) => r.uid !== item.uid);
        await patchMeta(dependent, { ownerReferences: rest.length === 0 ? null : rest });
      }
      await removeFinalizer(item, orphan);
    },
  };
}
