import { ApiError } from '../../api/status.ts';
import { type Attributes, type Authorizer, attributesOf, type Decision, refusal } from '../authz/authorizer.ts';
import { headerOf } from '../http/exchange.ts';
import { negotiate } from '../http/negotiate.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { Maybe, Registry, ResourceStore } from '../registry/types.ts';
import type { Answer, Call, Handler, StoreHandler } from './call.ts';
import { deleteObject, deleteObjects } from './delete.ts';
import { patchObject } from './patch.ts';
import { getObject, listObjects, watchObjects } from './read.ts';
import type { VirtualResources } from './virtual.ts';
import { createObject, updateObject } from './write.ts';

/** Handlers of a special place, by verb. `*` takes every verb. */
export type SpecialHandlers = Readonly<Record<string, StoreHandler>>;

export interface DispatchOptions {
  registry: Registry;
  virtual: VirtualResources;
  authorizer: Authorizer;
  /** By `group/resource/subresource`, ahead of the generic verbs. */
  special: ReadonlyMap<string, SpecialHandlers>;
  /** Paths that are no resources. */
  root: Handler;
  /** Resources that nobody here serves: aggregated servers; undefined when they do not either. */
  knowsGroup(group: string): boolean;
  elsewhere(call: Call): Maybe<Answer> | undefined;
}

export type Dispatch = (call: Call) => Maybe<Answer>;

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

/** The answer to a path that upstream's router does not know under a version that it serves. */
export const noSuchResource = (): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server could not find the requested resource',
    reason: 'NotFound',
    details: {},
    code: 404,
  });

export const notAllowed = (): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server does not allow this method on the requested resource',
    reason: 'MethodNotAllowed',
    details: {},
    code: 405,
  });

function rightScope(store: ResourceStore, info: RequestInfo): boolean {
  const { namespaced, resource } = store.definition;
  if (!namespaced) return info.namespace === '' || resource === 'namespaces';
  // All-namespace forms exist for collections alone, and for reviews that name their namespace in the body.
  return info.namespace !== '' || info.parts.length === 1;
}

function handlerOf(store: ResourceStore, info: RequestInfo, special: SpecialHandlers | undefined): StoreHandler {
  const { definition } = store;
  const found = special?.[info.verb] ?? special?.['*'];
  if (info.subresource === '') {
    if (found) return found;
    const named = info.parts.length > 1;
    if (!definition.verbs.includes(info.verb) || (info.verb === 'create' && named)) throw notAllowed();
    return verbs[info.verb] as StoreHandler;
  }
  const subresource = definition.subresources.find((s) => s.name === info.subresource);
  if (!subresource) throw noSuchResource();
  if (found) return found;
  if (!subresource.verbs.includes(info.verb)) throw notAllowed();
  return verbs[info.verb] as StoreHandler;
}

/** Resources that upstream warns about, whatever is done with them. */
const deprecations: Readonly<Record<string, string>> = {
  '/v1/componentstatuses': 'v1 ComponentStatus is deprecated in v1.19+',
  '/v1/endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

/** The answer where an authorizer failed and no other allowed: upstream's, a text. */
const undecided = (url: string, error: string): Answer => ({
  kind: 'bytes',
  status: 500,
  type: 'text/plain; charset=utf-8',
  body: `Internal Server Error: ${JSON.stringify(url)}: ${error}\n`,
  headers: { 'x-content-type-options': 'nosniff' },
});

/** Authorizes a call and finds who answers it. */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { registry, virtual, authorizer, special } = options;
  const handled = (call: Call): Maybe<Answer> => {
    const { info } = call;
    if (!info.isResource) return options.root(call);
    const { group, version, resource } = info;
    const store = registry.lookup(group, version, resource) ?? virtual.lookup(group, version, resource);
    if (!store) {
      const answer = options.elsewhere(call);
      if (answer !== undefined) return answer;
      if (!options.knowsGroup(group)) return options.root(call);
      throw noSuchResource();
    }
    if (!rightScope(store, info)) throw noSuchResource();
    // What is created only to be answered has no table and no metadata of its own.
    if (info.verb === 'create' && store.definition.verbs.every((verb) => verb === 'create'))
      negotiate(headerOf(call.headers, 'accept'), { protobuf: true, transform: false });
    const handle = handlerOf(store, info, special.get(`${group}/${resource}/${info.subresource}`));
    const deprecated = deprecations[`${group}/${version}/${resource}`];
    if (deprecated !== undefined) call.context.warn(deprecated);
    return handle(call, store);
  };
  const decided = (call: Call, attributes: Attributes, decision: Decision): Maybe<Answer> => {
    call.decided?.(decision);
    if (decision.allowed) return handled(call);
    if (decision.error !== undefined) return undecided(call.url, decision.error);
    throw refusal(call.user, attributes, decision);
  };
  return (call) => {
    const attributes = attributesOf(call.info, call.query);
    const decision = authorizer.authorize(call.user, attributes);
    // No function is made for the many whose decision is there at once.
    if (!(decision instanceof Promise)) return decided(call, attributes, decision);
    return decision.then((known) => decided(call, attributes, known));
  };
}
