import { isApiError } from '../../api/status.ts';
import type { Draft, Registry, RequestContext, Stored } from '../registry/types.ts';
import { serverContext } from './context.ts';

export interface Ensured {
  readonly group: string;
  readonly resource: string;
  readonly object: Draft;
  /** What is changed of an object that is there; undefined returned: nothing. Absent: left as it is. */
  reconcile?(found: Draft, wanted: Draft): Draft | undefined;
}

/** Flow control has a part of the server of its own that makes its objects. */
const contextOf = (group: string): RequestContext =>
  group === 'flowcontrol.apiserver.k8s.io'
    ? { ...serverContext, fieldManager: 'api-priority-and-fairness-config-producer-v1' }
    : serverContext;

/** Creates what is missing and reconciles what is there. Somebody else's creating it meanwhile is as good. */
export async function ensure(registry: Registry, wanted: Ensured): Promise<Stored> {
  const { group, resource, object, reconcile } = wanted;
  const context = contextOf(group);
  const store = registry.store(group, resource);
  const place = { namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '' };
  const apiVersion = group === '' ? store.version.version : `${group}/${store.version.version}`;
  for (let attempt = 0; ; attempt++) {
    try {
      const found = await store.get(place);
      if (!reconcile) return found;
      return await store.modify({ context, place }, (draft) => reconcile(draft, object));
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
    try {
      const draft: Draft = { ...structuredClone(object), apiVersion, kind: store.definition.kind };
      return (await store.create({ context, place }, draft)).stored;
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists') || attempt > 2) throw error;
    }
  }
}
