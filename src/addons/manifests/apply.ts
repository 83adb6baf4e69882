import { createHash } from 'node:crypto';
import { isApiError } from '../../api/status.ts';
import type { Client } from '../../client/client.ts';
import type { ManifestObject } from './documents.ts';
import type { Kinds } from './kinds.ts';

/** Where an add-on's objects are found again: K3s's label and annotations. */
const label = 'objectset.rio.cattle.io/hash';

export const ownerHash = (name: string): string => createHash('sha1').update(`kube-system/${name}`).digest('hex');

export interface Gvk {
  readonly apiVersion: string;
  readonly kind: string;
}

const marked = (object: ManifestObject, addon: string): ManifestObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata.labels, [label]: ownerHash(addon) },
    annotations: {
      ...object.metadata.annotations,
      'objectset.rio.cattle.io/id': '',
      'objectset.rio.cattle.io/owner-gvk': 'k3s.cattle.io/v1, Kind=Addon',
      'objectset.rio.cattle.io/owner-name': addon,
      'objectset.rio.cattle.io/owner-namespace': 'kube-system',
    },
  },
});

const keyOf = (gvk: Gvk, namespace: string | undefined, name: string | undefined): string =>
  [gvk.apiVersion, gvk.kind, namespace ?? '', name ?? ''].join(' ');

interface Applier {
  client: Client;
  kinds: Kinds;
  fieldManager: string;
}

/** Applies the objects in order (server-side, by force); returns the kinds among them and which objects they are. */
export async function applyObjects(
  { client, kinds, fieldManager }: Applier,
  addon: string,
  objects: readonly ManifestObject[],
): Promise<{ gvks: Gvk[]; keys: Set<string> }> {
  const keys = new Set<string>();
  const gvks = new Map<string, Gvk>();
  for (const object of objects) {
    const { apiVersion, kind } = object;
    const resource = await kinds.resourceOf(apiVersion, kind);
    const namespace = resource.namespaced ? (object.metadata.namespace ?? 'default') : undefined;
    const body = marked({ ...object, metadata: { ...object.metadata, ...(namespace ? { namespace } : {}) } }, addon);
    await client.patch(
      resource,
      object.metadata.name ?? '',
      { type: 'apply', body, force: true },
      { namespace, fieldManager },
    );
    gvks.set(`${apiVersion} ${kind}`, { apiVersion, kind });
    keys.add(keyOf({ apiVersion, kind }, namespace, object.metadata.name));
  }
  return { gvks: [...gvks.values()], keys };
}

/** Deletes the add-on's objects of these kinds except those in `keep`. */
export async function pruneObjects(
  { client, kinds }: Applier,
  addon: string,
  gvks: readonly Gvk[],
  keep: ReadonlySet<string>,
): Promise<void> {
  for (const gvk of gvks) {
    const resource = await kinds.resourceOf(gvk.apiVersion, gvk.kind).catch(() => undefined);
    if (resource === undefined) continue;
    const { items } = await client.list(resource, { labelSelector: `${label}=${ownerHash(addon)}` });
    for (const { metadata } of items) {
      if (keep.has(keyOf(gvk, metadata.namespace, metadata.name))) continue;
      await client
        .delete(resource, metadata.name ?? '', {
          namespace: metadata.namespace,
          propagationPolicy: 'Background',
          preconditions: { uid: metadata.uid },
        })
        .catch((error: unknown) => {
          if (!isApiError(error, 'NotFound')) throw error;
        });
    }
  }
}
