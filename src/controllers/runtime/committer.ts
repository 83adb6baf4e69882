import type { KubernetesObject, Resource } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import { mergeDiff } from './merge-diff.ts';

/** Writes the difference between what was read and what a reconciler made of it: nothing, or one patch. */
export interface Committer<T extends KubernetesObject> {
  /** Metadata and spec. Status must be as it was. Returns the object as it is now. */
  commit(old: T, next: T): Promise<T>;
  /** The status and annotations, through the subresource: neither makes a new generation. */
  commitStatus(old: T, next: T): Promise<T>;
}

/** Every patch names the revision that it was made from, so that a stale reading fails with a conflict. */
export function createCommitter<T extends KubernetesObject>(options: {
  client: Client;
  resource: Resource<T>;
  /** Told of what was written, so that the next reading is not older. */
  informer?: Informer<T> | undefined;
}): Committer<T> {
  const { client, resource, informer } = options;

  const send = async (old: T, diff: Record<string, unknown>, subresource: string | undefined): Promise<T> => {
    const { namespace, name = '', uid, resourceVersion } = old.metadata;
    const metadata = { ...(diff.metadata as object | undefined), uid, resourceVersion };
    const body = { ...diff, metadata };
    const written = await client.patch(resource, name, { type: 'merge', body }, { namespace, subresource });
    informer?.observe(written);
    return written;
  };

  const status = (object: T): unknown => (object as { status?: unknown }).status;

  return {
    async commit(old, next) {
      if (mergeDiff(status(old), status(next))) {
        throw new Error(`a commit of ${resource.resource} ${old.metadata.name} mixes status with the rest`);
      }
      const diff = mergeDiff(old, next);
      return diff ? send(old, diff, undefined) : old;
    },
    async commitStatus(old, next) {
      const part = (object: T): unknown => ({
        metadata: { annotations: object.metadata.annotations },
        status: status(object),
      });
      const diff = mergeDiff(part(old), part(next));
      return diff ? send(old, diff, 'status') : old;
    },
  };
}
