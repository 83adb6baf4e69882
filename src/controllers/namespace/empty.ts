import type { ObjectMeta } from '../../api/gen/meta-v1.ts';
import { type KubernetesList, type KubernetesObject, resourcePath } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';
import { type Discovery, type ServedResource, supports } from '../runtime/discovery.ts';
import type { Findings } from './conditions.ts';

interface Left {
  count: number;
  finalizers: string[];
}

/** Asks for the deletion of all objects of one resource in the namespace; tells what is still there after that. */
async function emptyResource(client: Client, resource: ServedResource, namespace: string): Promise<Left> {
  const path = resourcePath(resource, { namespace });
  const list = async (): Promise<readonly KubernetesObject[]> =>
    ((await client.raw({ method: 'GET', path })) as KubernetesList<KubernetesObject>).items;
  try {
    if (supports(resource, 'deletecollection')) {
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
      await client.raw({ method: 'DELETE', path, body });
    } else {
      for (const { metadata } of await list()) {
        await deleteOne(client, resource, namespace, metadata);
      }
    }
    const rest = await list();
    return { count: rest.length, finalizers: rest.flatMap((o) => o.metadata.finalizers ?? []) };
  } catch (error) {
    if (isApiError(error, 'NotFound') || isApiError(error, 'MethodNotAllowed')) return { count: 0, finalizers: [] };
    throw error;
  }
}

async function deleteOne(client: Client, resource: ServedResource, namespace: string, meta: ObjectMeta): Promise<void> {
  try {
    await client.delete(resource, meta.name ?? '', { namespace, propagationPolicy: 'Background' });
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}

/** Deletes what a namespace holds: pods first, everything else once they are gone. */
export async function emptyNamespace(client: Client, discovery: Discovery, namespace: string): Promise<Findings> {
  const remaining = new Map<string, number>();
  const finalizers = new Map<string, number>();
  const deletionErrors: string[] = [];
  const empty = async (resource: ServedResource): Promise<void> => {
    try {
      const left = await emptyResource(client, resource, namespace);
      if (left.count > 0) remaining.set(`${resource.resource}.${resource.group}`, left.count);
      for (const name of left.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
    } catch (error) {
      deletionErrors.push(messageOf(error));
    }
  };
  const own = discovery.resources.filter((r) => r.namespaced && supports(r, 'list') && canDelete(r));
  const isPods = (r: ServedResource): boolean => r.group === '' && r.resource === 'pods';
  for (const pods of own.filter(isPods)) await empty(pods);
  if (remaining.size === 0 && deletionErrors.length === 0) {
    await Promise.all(own.filter((r) => !isPods(r)).map(empty));
  }
  return { discoveryFailures: discovery.failures, deletionErrors, remaining, finalizers };
}

const canDelete = (r: ServedResource): boolean => supports(r, 'deletecollection') || supports(r, 'delete');
