import type { StatusCause } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { GroupVersionKind, TypeSchema } from '../../api/schema.ts';
import type { Layer } from '../audit/latencies.ts';
import type { UserInfo } from '../server.ts';

/** A value now, or later: callers `await` it; the hot paths stay synchronous when nothing has to be waited for. */
export type Maybe<T> = T | Promise<T>;

/** Any API object while it is being worked on (mutable, own copy). */
export type Draft = KubernetesObject & Record<string, unknown>;
/** Any API object as it is stored: shared and deeply frozen. */
export type Frozen = Readonly<KubernetesObject> & Readonly<Record<string, unknown>>;

/** One request, as far as the registry and admission care. The HTTP layer makes one per request. */
export interface RequestContext {
  readonly user: UserInfo;
  /** Everything happens but the write. */
  readonly dryRun: boolean;
  /** Never empty: the `fieldManager` parameter, or the first part of the user agent. */
  readonly fieldManager: string;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  /** What of these the request itself has said. */
  readonly said?: { readonly fieldManager?: string | undefined; readonly fieldValidation?: string | undefined };
  /** Collects a `Warning:` header line. */
  warn(text: string): void;
  /** Adds to what the audit log tells of the request; the first value of a key stays. */
  annotate?(key: string, value: string): void;
  /** So many milliseconds of the request went there. */
  spent?(layer: Layer, ms: number): void;
  /** Aborts when the client has gone or the request's time is over. */
  readonly signal: AbortSignal;
}

/** Where an object lives. `namespace` is '' for cluster-scoped resources and for "all namespaces" in lists. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/**
 * An object as it is kept: the JSON bytes to send, `metadata.resourceVersion` included.
 * `object` is parsed on first use, frozen, and shared by everybody in the process.
 */
export interface Stored {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly bytes: Buffer;
  readonly object: Frozen;
  /** The object's own, for those who look at nothing else: never to be altered, not frozen. */
  readonly metadata: Frozen['metadata'];
}

export interface ListOptions {
  /** '' or undefined: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  /** Is for watches alone: a list that says anything of it is refused. */
  sendInitialEvents?: boolean | undefined;
}

export interface ListResult {
  readonly items: readonly Stored[];
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

export interface WatchOptions {
  namespace?: string | undefined;
  /** Is for lists alone: a watch that has to begin somewhere is refused with it. */
  continue?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  allowWatchBookmarks?: boolean | undefined;
  sendInitialEvents?: boolean | undefined;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** One event of a watch. `frame` is `{"type":…,"object":…}\n`, made once for all watchers that ask for it. */
export interface WatchEvent {
  readonly type: WatchEventType;
  readonly revision: number;
  /** For BOOKMARK and ERROR: an object with no key. */
  readonly stored: Stored;
  readonly frame: Buffer;
}

/**
 * A running watch. Events come in batches, synchronously after their write is durable.
 * The consumer that falls behind (`push` returns false) is paused by not calling `resume`; past `queueLimit` events the
 * watch is closed, and the client starts again from its last resourceVersion.
 */
export interface WatchSink {
  /** Never throws. */
  onEvents(events: readonly WatchEvent[]): void;
  /** The server ends the watch: shutdown, the definition was removed, or the consumer was too slow. */
  onClose(): void;
}

export interface Watch {
  stop(): void;
}

export interface WriteOptions {
  readonly context: RequestContext;
  readonly place: Place;
  /** 'status', 'scale', 'approval', … or undefined for the object itself. */
  readonly subresource?: string | undefined;
  /** The resource that admission knows the request by, where it is none of this one's subresources. */
  readonly knownAs?: string | undefined;
  /** True: the request has named no object, as one that deletes a collection. */
  readonly nameless?: boolean | undefined;
  /** True for a PATCH. */
  readonly isPatch?: boolean | undefined;
}

/** A patch as it came, body parsed. `json` bodies are arrays, `apply` bodies are the applied object. */
export interface PatchBody {
  readonly type: 'json' | 'merge' | 'strategic' | 'apply';
  readonly body: unknown;
  /** The body with the numbers that parsing alters as `parseAsGiven` has them; undefined where there are none. */
  readonly asGiven?: unknown;
  /** What is said of fields that stand twice in it. */
  readonly duplicates?: readonly string[] | undefined;
  readonly force?: boolean | undefined;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: string | undefined;
  orphanDependents?: boolean | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
}

export interface WriteOutcome {
  readonly stored: Stored;
  /** True when the request made the object (create, or apply/PUT of what did not exist): HTTP 201. */
  readonly created: boolean;
}

export interface DeleteOutcome {
  /** The object as it was last (gone), or as it is now with a deletionTimestamp (still there). */
  readonly stored: Stored;
  readonly deleted: boolean;
  /** Answer with the object, not with a Status (graceful deletion, finalizers, and what upstream's strategies say). */
  readonly answerObject: boolean;
}

/**
 * One served resource in one served version. All methods throw ApiError.
 * Objects that are handed in are owned by the registry from then on.
 */
export interface ResourceStore {
  readonly definition: ResourceDefinition;
  /** The version in which this view takes and gives objects. */
  readonly version: ResourceVersion;

  /** `resourceVersion` '0' or a number: at least as new as that. Subresource views (`scale`) come by `subresource`. */
  get(
    place: Place,
    options?: { resourceVersion?: string | undefined; subresource?: string | undefined },
  ): Maybe<Stored>;
  list(options: ListOptions): Maybe<ListResult>;
  watch(options: WatchOptions, sink: WatchSink): Maybe<Watch>;

  /** `place.name` is '' when the name is in the object. With `subresource`: binding, eviction, and what strategies add. */
  create(options: WriteOptions, object: Draft): Promise<WriteOutcome>;
  /** PUT. Creates what is not there only where upstream does (leases, endpoints, … : `strategy.createOnUpdate`). */
  update(options: WriteOptions, object: Draft): Promise<WriteOutcome>;
  /** All four patches; the whole flow (decode again, defaults, admission, validation) runs on the result. */
  patch(options: WriteOptions, patch: PatchBody): Promise<WriteOutcome>;
  /**
   * For code in the server: reads, lets `change` alter a copy (or return undefined: nothing to do), writes if it is
   * still current, and tries again if not. Runs strategy and validation, not admission.
   */
  modify(options: WriteOptions, change: (draft: Draft) => Draft | undefined): Promise<Stored>;
  delete(options: WriteOptions, deletion: DeleteOptions): Promise<DeleteOutcome>;
  /** Deletes what `list` selects, one by one; gives what was deleted. */
  deleteCollection(
    options: { context: RequestContext },
    list: ListOptions,
    deletion: DeleteOptions,
  ): Promise<ListResult>;
}

/** One version of a resource and what the schema engine does for it. */
export interface ResourceVersion {
  readonly version: string;
  readonly served: boolean;
  readonly schema: SchemaFunctions;
  /** Custom resources: the fields that selectors may use in this version, besides those of the metadata. */
  readonly selectableFields?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Built-ins get these from `src/api` by kind; custom resources bring their own. All of them are synchronous. */
export interface SchemaFunctions {
  /** For kinds that the facts do not know: what field ownership goes by. */
  readonly type?: TypeSchema | undefined;
  /**
   * Prunes unknown fields in place and checks types; throws ApiError (400) as `fieldValidation` asks. `merged`: the
   * object is the outcome of a strategic merge.
   */
  decode(object: Draft, context: Pick<RequestContext, 'fieldValidation' | 'warn'>, merged?: boolean): Draft;
  /** Fills defaults in place. */
  applyDefaults(object: Draft): void;
  /** Takes away in place what admission has added against the schema. */
  prune?(object: Draft): void;
  validateCreate(object: Draft): StatusCause[];
  /** What a client is told of an object that is valid but unwise. */
  warnings?(object: Draft, old: Frozen | undefined): string[];
  /** The same of what is written by way of a subresource. */
  subresourceWarnings?(object: Draft, subresource: string): string[];
  validateUpdate(object: Draft, old: Frozen, subresource?: string): StatusCause[];
}

/** What is known of a subresource that is an object view of its parent or a verb on it. */
export interface SubresourceDefinition {
  readonly name: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
}

/** Everything the server knows about a resource: discovery, storage, schema and behaviour. */
export interface ResourceDefinition {
  readonly group: string;
  /** The path word: `pods`. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceDefinition[];
  /** In order of preference; objects are stored in `storageVersion`. */
  readonly versions: readonly ResourceVersion[];
  readonly storageVersion: string;
  /**
   * Between the versions (and, for `events`, between the groups). Undefined where all versions have one shape: then only
   * apiVersion changes. Custom resources with a conversion webhook answer a promise.
   */
  convert?(object: Draft, to: GroupVersionKind): Maybe<Draft>;
  /**
   * Brings an object that was stored under an older definition to what the definition is now, in the storage version;
   * undefined: it is as it should be.
   */
  refresh?: ((object: Draft) => Maybe<Draft | undefined>) | undefined;
  /** The objects are those of another resource, in another group: `events.k8s.io` shows the core group's events. */
  readonly storedWith?: { readonly group: string; readonly version: string; readonly resource: string } | undefined;
  readonly strategy: Strategy;
  /** Fields that field selectors may use besides metadata.name and metadata.namespace: label → path, or how to read it. */
  readonly selectableFields: Readonly<Record<string, readonly string[] | ((object: Frozen) => string)>>;
  /** Which writes may be lost in a crash (heartbeats, events). */
  readonly volatile?: 'all' | 'updates' | undefined;
  readonly ttlSeconds?: number | undefined;
}

/** What a strategy function is told besides the objects. */
export interface StrategyContext extends RequestContext {
  readonly subresource: string | undefined;
  readonly registry: Registry;
  /**
   * Alters an object of the same resource past strategy, validation and admission: for verbs that do what no update
   * may (binding). `change` throws to refuse, and returns false when there is nothing to do.
   */
  rewrite(place: Place, change: (draft: Draft) => boolean): Promise<Stored>;
  /** Deletes an object of the same resource on behalf of a verb, past admission. */
  remove(place: Place, deletion: DeleteOptions): Promise<DeleteOutcome>;
}

/**
 * A resource's own behaviour in the generic flow; everything is optional. `old` is what is stored, frozen.
 * The functions alter `object` in place; a returned cause list joins those of the schema's validation.
 */
export interface Strategy {
  /** PUT of a missing object creates it. */
  readonly createOnUpdate?: boolean;
  /** False: PUT without resourceVersion is refused (custom resources, leases, …). Default true. */
  readonly unconditionalUpdate?: boolean;
  /** The object has a status that only the `status` subresource may write. Default: when the subresource exists. */
  readonly status?: boolean;
  /** The status may be given when the object is created (nodes). */
  readonly statusOnCreate?: boolean;
  /** A write of the status leaves labels, annotations, finalizers and owners alone (custom resources, newer kinds), or some. */
  readonly statusKeepsMetadata?: boolean | readonly ('labels' | 'annotations' | 'finalizers' | 'ownerReferences')[];
  /** `metadata.generation` counts changes of anything but metadata and status. */
  readonly generation?: boolean;
  /** DELETE answers the object, not a Status. */
  readonly answerDeleted?: boolean;
  /** What upstream's decoding does besides defaults; comes before field ownership is worked out. */
  normalize?(object: Draft, old: Frozen | undefined): void;
  prepareForCreate?(object: Draft, context: StrategyContext): void;
  prepareForUpdate?(object: Draft, old: Frozen, context: StrategyContext): void;
  validate?(object: Draft, context: StrategyContext): StatusCause[];
  validateUpdate?(object: Draft, old: Frozen, context: StrategyContext): StatusCause[];
  /** What upstream fills in, or leaves out, as it reads an object back: that is not validated. */
  fillInStored?(object: Draft): void;
  /** Default: the prefix and some random letters. */
  generatedName?(prefix: string): string;
  /** The update says nothing but that somebody is still alive: it may be lost in a crash, and does not go to the disk for itself. */
  isHeartbeat?(object: Draft, old: Frozen): boolean;
  /** Why an object of this name can never be deleted by itself; undefined: it can. */
  deletionForbidden?(name: string): string | undefined;
  deletionWarnings?(deletion: DeleteOptions): string[];
  warnings?(object: Draft, old: Frozen | undefined, context: StrategyContext): string[];
  /**
   * Takes what the object needs from elsewhere (cluster addresses, node ports) before it is prepared and validated; of
   * the returned functions one is called: when the write stands, or when it came to nothing.
   */
  allocate?(
    object: Draft,
    old: Frozen | undefined,
    context: StrategyContext,
  ): Maybe<{ commit(): Maybe<void>; revert(): Maybe<void> } | undefined>;
  /** The object is gone from the store. */
  afterDelete?(object: Frozen, context: StrategyContext): Maybe<void>;
  /** Whether deletion waits `gracePeriodSeconds` for somebody to delete with 0 (pods); undefined: not at all. */
  gracePeriod?(object: Frozen, asked: number | undefined): number | undefined;
  /** Alters an object that gets its deletionTimestamp because something is still to be done before it goes. */
  markDeleting?(object: Draft, old: Frozen): void;
  /** False: an object with a deletionTimestamp and no finalizers in its metadata stays for now (namespaces). */
  deleteWhenUnfinalized?(object: Draft): boolean;
  /** What upstream's default for the resource is; default Background. `Unsupported`: no dependents, no policy. */
  readonly defaultPropagation?: 'Orphan' | 'Background' | 'Unsupported';
  /** Object views and verbs under the object, by subresource name: scale, binding, eviction, approval, … */
  readonly subresources?: Readonly<Record<string, SubresourceBehaviour>>;
}

/** How a subresource reads from and writes to its parent object. */
export interface SubresourceBehaviour {
  /** GET: the view; default the parent itself. */
  read?(parent: Frozen): Draft;
  /** GET: why there is no view now. */
  unreadable?(parent: Frozen): string | undefined;
  /** PUT/PATCH: puts the (changed) view into the parent; default: `given` is the parent. */
  write?(parent: Draft, given: Draft, context: StrategyContext): void;
  /** Of a Scale: where the parent has its replicas, default `['spec', 'replicas']`. Who manages them manages both. */
  replicas?: readonly string[];
  /** Of a POST: whether the uid and times that a request gives mean something. */
  readonly keepsIdentity?: boolean;
  /** What can be said of a POST before validating admission and the parent are asked. Throws ApiError. */
  check?(place: Place, given: Draft, context: StrategyContext): void;
  /** POST: a verb; gives the object to answer. */
  create?(place: Place, given: Draft, context: StrategyContext): Promise<Draft>;
}

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What admission sees of a request (upstream's `admission.Attributes`). Objects are in the request's version. */
export interface AdmissionAttributes {
  readonly operation: AdmissionOperation;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly subresource: string | undefined;
  readonly namespace: string;
  /** '' on create with generateName. */
  readonly name: string;
  /** What is to be written; undefined for DELETE. `mutate` alters it in place or replaces it. */
  object: Draft | undefined;
  readonly oldObject: Frozen | undefined;
  /** The options object of the operation (CreateOptions, …) as sent. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly context: RequestContext;
  /** An UPDATE that came as a PATCH. */
  readonly isPatch?: boolean | undefined;
  /** The request as it came, where this is a view of it under another name. */
  readonly asked?: AdmissionAttributes | undefined;
  /** How far mutating admission is; set by plug-ins whose hooks alter objects. */
  rounds?: MutationRounds | undefined;
}

/** Mutating admission asks all its plug-ins a second time where hooks from outside have altered the object. */
export interface MutationRounds {
  isSecond: boolean;
  /** There is to be a second. */
  another: boolean;
  /** What each plug-in remembers, by its name. */
  readonly memory: Map<string, unknown>;
}

/** The admission chain. Both throw ApiError to refuse. */
export interface Admission {
  /** True when anything was changed: defaults are applied again then. */
  mutate(attributes: AdmissionAttributes): Maybe<boolean>;
  validate(attributes: AdmissionAttributes): Maybe<void>;
}

/** What happened to the cache of a resource since the start. */
export interface CacheCounts {
  /** Changes that the datastore told of, and those of them that were there for watchers. */
  received: number;
  dispatched: number;
  /** What watches that begin with a list were given of it. */
  initialEvents: number;
  /** Lists of what is newest. */
  newestLists: number;
  /** Objects that were looked at for lists. */
  fetched: number;
}

/** How many objects of a resource there are, and how large one is, roughly. */
export interface ResourceStock {
  readonly count: number;
  readonly bytes: number;
  readonly counts: Readonly<CacheCounts>;
  /** How far the cache has come. */
  readonly revision: number;
}

/** All resources that are served, by group, version and path word. */
export interface Registry {
  /** Undefined when that is not served. */
  lookup(group: string, version: string, resource: string): ResourceStore | undefined;
  /** The store in its storage version. Throws (a bug) when there is none. */
  store(group: string, resource: string): ResourceStore;
  definitions(): readonly ResourceDefinition[];
  /** Undefined when that is not served. */
  stock(group: string, resource: string): ResourceStock | undefined;
  /** Makes a resource servable at run time, or replaces its definition, keeping its objects; resolves when it serves. */
  add(definition: ResourceDefinition): Promise<void>;
  /** Stops serving (watches are closed); the objects stay stored. */
  remove(group: string, resource: string): Promise<void>;
  /** Called after `add` and `remove`. Returns the function that ends the subscription. */
  onChange(listener: () => void): () => void;
  /** The newest revision that has been given out. */
  currentRevision(): Promise<number>;
}
