import type { GroupVersionKind } from '../../api/schema.ts';
import { badRequest } from '../../api/status.ts';
import type { Draft, ResourceStore } from '../registry/types.ts';
import { readObject } from './body.ts';
import type { Call, StoreHandler } from './call.ts';
import { checkWriteOptions } from './options.ts';

/** The kind that a body at this place has: the subresource's own, or the resource's. */
export function expectedKind(store: ResourceStore, subresource: string): GroupVersionKind {
  const { definition, version } = store;
  const found = subresource === '' ? undefined : definition.subresources.find((s) => s.name === subresource);
  const kind = found?.kind ?? { group: '', version: '', kind: definition.kind };
  // A subresource that says no group takes its resource's own.
  return kind.group === '' && kind.version === ''
    ? { group: definition.group, version: version.version, kind: kind.kind }
    : kind;
}

export function placeOf(call: Call, store: ResourceStore): { namespace: string; name: string } {
  return { namespace: store.definition.namespaced ? call.info.namespace : '', name: call.info.name };
}

/** The request's namespace goes into the object, which must not say another. */
export function ensureNamespace(object: Draft, namespace: string): void {
  const { metadata } = object;
  if (namespace === '') return;
  if (!metadata.namespace) metadata.namespace = namespace;
  else if (metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

export const createObject: StoreHandler = async (call, store) => {
  const { info } = call;
  checkWriteOptions(call.query, 'CreateOptions');
  const place = placeOf(call, store);
  if (store.definition.namespaced && place.namespace === '')
    throw badRequest('an empty namespace may not be set during creation');
  const object = await readObject(call, expectedKind(store, info.subresource), store.version);
  ensureNamespace(object, place.namespace);
  const { stored } = await store.create(
    { context: call.context, place, subresource: info.subresource || undefined },
    object,
  );
  return { kind: 'stored', status: 201, stored, store };
};

export const updateObject: StoreHandler = async (call, store) => {
  const { info } = call;
  checkWriteOptions(call.query, 'UpdateOptions');
  const place = placeOf(call, store);
  const object = await readObject(call, expectedKind(store, info.subresource), store.version);
  ensureNamespace(object, place.namespace);
  const name = object.metadata.name;
  if (!name && info.subresource !== 'scale')
    throw badRequest(`the name of the object (${place.name} based on URL) was undeterminable: name must be provided`);
  if (name && name !== place.name)
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${place.name})`);
  const { stored, created } = await store.update(
    { context: call.context, place, subresource: info.subresource || undefined },
    object,
  );
  return { kind: 'stored', status: created ? 201 : 200, stored, store };
};
