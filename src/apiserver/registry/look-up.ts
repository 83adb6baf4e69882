import { isApiError } from '../../api/status.ts';
import type { Frozen, Registry } from './types.ts';

/** An object, or undefined when there is none. */
export async function lookUp(
  registry: Registry,
  resource: { group: string; resource: string },
  place: { namespace?: string; name: string },
): Promise<Frozen | undefined> {
  try {
    const store = registry.store(resource.group, resource.resource);
    return (await store.get({ namespace: place.namespace ?? '', name: place.name })).object;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}
