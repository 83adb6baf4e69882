import { customresourcedefinitions } from '../../api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import { delay } from '../../base/abort.ts';
import type { Client } from '../../client/client.ts';

/** The record of one applied file, as K3s keeps it. */
export interface Addon extends KubernetesObject {
  spec?: { source?: string; checksum?: string };
  status?: { gvks?: { group?: string; version: string; kind: string }[] };
}

export const addons: Resource<Addon> = {
  group: 'k3s.cattle.io',
  version: 'v1',
  resource: 'addons',
  kind: 'Addon',
  namespaced: true,
};

const text = { type: 'string' };

const definition = {
  metadata: { name: 'addons.k3s.cattle.io' },
  spec: {
    group: 'k3s.cattle.io',
    scope: 'Namespaced',
    names: { plural: 'addons', singular: 'addon', kind: 'Addon', listKind: 'AddonList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { source: text, checksum: text } },
              status: {
                type: 'object',
                properties: {
                  gvks: {
                    type: 'array',
                    items: { type: 'object', properties: { group: text, version: text, kind: text } },
                  },
                },
              },
            },
          },
        },
        additionalPrinterColumns: [
          { name: 'Source', type: 'string', jsonPath: '.spec.source' },
          { name: 'Checksum', type: 'string', jsonPath: '.spec.checksum' },
        ],
      },
    ],
  },
};

/** Makes the Addon resource known; resolves when it is served. Throws when it is not within `timeoutMs`. */
export async function ensureAddonResource(client: Client, signal: AbortSignal, timeoutMs = 15_000): Promise<void> {
  await client.create(customresourcedefinitions, definition).catch((error: unknown) => {
    if (!isApiError(error, 'AlreadyExists')) throw error;
  });
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      await client.list(addons, { limit: 1 });
      return;
    } catch (error) {
      if (signal.aborted || !isApiError(error, 'NotFound') || Date.now() > end) throw error;
      await delay(50, signal);
    }
  }
}
