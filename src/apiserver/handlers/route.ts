import { methodNotAllowed, notFound } from '../../api/status.ts';
import { isCustom } from '../discovery/model.ts';
import { endpointOf } from '../http/answer.ts';
import { headerOf } from '../http/exchange.ts';
import { negotiate } from '../http/negotiate.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { ResourceStore } from '../registry/types.ts';
import type { Call, StoreHandler } from './call.ts';
import { deleteObject, deleteObjects } from './delete.ts';
import { patchObject } from './patch.ts';
import { getObject, listObjects, watchObjects } from './read.ts';
import { noSuchResource, notAllowed } from './router-errors.ts';
import { createObject, updateObject } from './write.ts';

/** Handlers of a special place, by verb. `*` takes every verb. */
export type SpecialHandlers = Readonly<Record<string, StoreHandler>>;

/** The verbs on an object or a collection; subresources use those of one object. */
const verbs: SpecialHandlers = {
  get: getObject,
  list: listObjects,
  watch: watchObjects,
  create: createObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  deletecollection: deleteObjects,
};

/** Verbs of a path that ends with the resource; all others are for one object. */
const ofCollections = new Set(['list', 'watch', 'create', 'deletecollection']);

/** Subresources whose answer is a connection, or bytes of somebody else. */
const connections = new Set(['exec', 'attach', 'portforward', 'proxy']);

const isAcrossNamespaces = ({ verb }: RequestInfo): boolean => verb === 'list' || verb === 'watch';

/** Custom resources are answered by a handler of their own, which leaves what it does not know to others. */
function customHandler({ definition }: ResourceStore, info: RequestInfo): StoreHandler | undefined {
  const { namespaced, subresources } = definition;
  if (namespaced ? info.namespace === '' && !isAcrossNamespaces(info) : info.namespace !== '') return undefined;
  const subresource = subresources.find(({ name }) => name === info.subresource);
  if (info.subresource !== '' && !subresource) throw notFound(definition, info.name);
  const known = (subresource ?? definition).verbs.includes(info.verb);
  if (!known) throw methodNotAllowed(definition, info.verb);
  return verbs[info.verb];
}

function isRightScope({ definition }: ResourceStore, info: RequestInfo): boolean {
  if (!definition.namespaced) return info.namespace === '' || definition.resource === 'namespaces';
  return info.namespace !== '' || info.parts.length === 1;
}

function builtinHandler(store: ResourceStore, call: Call, special: SpecialHandlers | undefined): StoreHandler {
  const { definition } = store;
  const { info } = call;
  if (!isRightScope(store, info)) throw noSuchResource();
  const subresource = definition.subresources.find(({ name }) => name === info.subresource);
  if (info.subresource !== '' && !subresource) throw noSuchResource();
  const found = special?.[info.verb] ?? special?.['*'];
  if (connections.has(info.subresource) && found) return found;
  const isVirtual = definition.verbs.every((verb) => verb === 'create');
  if (isVirtual && definition.namespaced && info.namespace === '') throw noSuchResource();
  const ofCollection = info.parts.length === 1;
  const isKnown =
    (subresource ?? definition).verbs.includes(info.verb) &&
    call.method !== 'HEAD' &&
    (info.watchByPath || ofCollection === ofCollections.has(info.subresource === '' ? info.verb : '')) &&
    (!definition.namespaced || info.namespace !== '' || isAcrossNamespaces(info));
  if (!isKnown) throw notAllowed();
  return found ?? (verbs[info.verb] as StoreHandler);
}

/**
 * Who answers a call for a resource, once it is known that the answer can be in a form that is asked for. Undefined: the
 * path is nobody's. Throws ApiError as upstream's router does.
 */
export function handlerOf(
  store: ResourceStore,
  call: Call,
  special: SpecialHandlers | undefined,
): StoreHandler | undefined {
  const { info } = call;
  const handler = isCustom(store) ? customHandler(store, info) : builtinHandler(store, call, special);
  // A patch has its own media type looked at first.
  if (handler && info.verb !== 'patch' && !connections.has(info.subresource))
    negotiate(headerOf(call.headers, 'accept'), endpointOf(store, info));
  return handler;
}
