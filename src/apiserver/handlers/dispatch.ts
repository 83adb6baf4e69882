import { type Attributes, type Authorizer, attributesOf, type Decision, refusal } from '../authz/authorizer.ts';
import { isBuiltinGroup } from '../discovery/model.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { Maybe, Registry, ResourceStore } from '../registry/types.ts';
import { type Answer, type Call, type Handler, plainText } from './call.ts';
import { handlerOf, type SpecialHandlers } from './route.ts';
import { noSuchResource } from './router-errors.ts';
import type { VirtualResources } from './virtual.ts';

export interface DispatchOptions {
  registry: Registry;
  virtual: VirtualResources;
  authorizer: Authorizer;
  /** By `group/resource/subresource`, ahead of the generic verbs. */
  special: ReadonlyMap<string, SpecialHandlers>;
  /** Paths that are no resources. */
  root: Handler;
  /** Resources that nobody here serves: aggregated servers; undefined when they do not either. */
  elsewhere(call: Call): Maybe<Answer> | undefined;
}

export type Dispatch = (call: Call) => Maybe<Answer>;

/** Resources that upstream warns about, whatever is done with them. */
const deprecations: Readonly<Record<string, string>> = {
  '/v1/componentstatuses': 'v1 ComponentStatus is deprecated in v1.19+',
  '/v1/endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

/** The answer where an authorizer failed and no other allowed: upstream's, a text. */
const undecided = (url: string, error: string): Answer =>
  plainText(500, `Internal Server Error: ${JSON.stringify(url)}: ${error}\n`);

/** What is answered for a resource that nothing is kept of can still be shown in another form. */
const ofStore = (answer: Answer, store: ResourceStore): Answer =>
  answer.kind === 'object' && (answer.object as { kind?: string }).kind !== 'Status' ? { ...answer, store } : answer;

/** `/api/v1/watch` and no more: upstream finds no resource in it. */
const isBareVerb = ({ resource, parts, watchByPath }: RequestInfo): boolean =>
  (resource === 'watch' || resource === 'proxy') && parts.length === 1 && !watchByPath;

/** Authorizes a call and finds who answers it. */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { registry, virtual, authorizer, special } = options;
  const handled = (call: Call): Maybe<Answer> => {
    const { info } = call;
    if (!info.isResource) return options.root(call);
    const { group, version, resource } = info;
    const kept = registry.lookup(group, version, resource);
    const store = kept ?? virtual.lookup(group, version, resource);
    if (!store) {
      const answer = options.elsewhere(call);
      if (answer !== undefined) return answer;
      if (!isBuiltinGroup(group)) return options.root(call);
      throw noSuchResource();
    }
    const handle = handlerOf(store, call, special.get(`${group}/${resource}/${info.subresource}`));
    if (!handle) return options.root(call);
    const deprecated = deprecations[`${group}/${version}/${resource}`];
    if (deprecated !== undefined) call.context.warn(deprecated);
    const answer = handle(call, store);
    if (kept) return answer;
    return answer instanceof Promise ? answer.then((known) => ofStore(known, store)) : ofStore(answer, store);
  };
  const decided = (call: Call, attributes: Attributes, decision: Decision): Maybe<Answer> => {
    call.decided?.(decision);
    if (decision.allowed) return handled(call);
    if (decision.error !== undefined) return undecided(call.url, decision.error);
    throw refusal(call.user, attributes, decision);
  };
  return (call) => {
    if (isBareVerb(call.info)) {
      const problem = `unable to determine kind and namespace from url, ${call.url}`;
      return undecided(call.url, `failed to create RequestInfo: ${problem}`);
    }
    const attributes = attributesOf(call.info, call.query);
    const decision = authorizer.authorize(call.user, attributes);
    // No function is made for the many whose decision is there at once.
    if (!(decision instanceof Promise)) return decided(call, attributes, decision);
    return decision.then((known) => decided(call, attributes, known));
  };
}
