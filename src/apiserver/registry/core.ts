import { randomFillSync, randomUUID } from 'node:crypto';
import { trackUpdate } from '../../api/apply.ts';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { timeText } from '../../api/literals.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { GroupVersionKind } from '../../api/schema.ts';
import { invalid } from '../../api/status.ts';
import type { Logger } from '../../base/log.ts';
import type { Refresher } from './refresh.ts';
import type {
  Admission,
  AdmissionAttributes,
  AdmissionOperation,
  DeleteOptions,
  DeleteOutcome,
  Draft,
  Frozen,
  Maybe,
  Place,
  Registry,
  RequestContext,
  ResourceVersion,
  Stored,
  StrategyContext,
  WriteOptions,
} from './types.ts';
import type { Watching } from './watch.ts';

/** One resource and all that its flows stand on. */
export interface Core extends Watching {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly log: Logger;
  readonly verbs: Verbs;
  readonly refresh: Refresher | undefined;
}

/** What verbs of a resource may do to its objects past the ordinary flow. */
export interface Verbs {
  rewrite(context: RequestContext, place: Place, change: (draft: Draft) => boolean): Promise<Stored>;
  remove(context: RequestContext, place: Place, deletion: DeleteOptions): Promise<DeleteOutcome>;
}

/** The version and group in which a request speaks, and the way to and from the stored form. */
export interface View {
  readonly version: ResourceVersion;
  readonly gvk: GroupVersionKind;
  /** False: requests speak the stored version, and `toStored` and `toView` are not needed. */
  readonly converts: boolean;
  toStored(object: Draft): Maybe<Draft>;
  toView(object: Draft): Maybe<Draft>;
}

export function strategyContext(core: Core, options: WriteOptions): StrategyContext {
  return new RequestStrategyContext(core, options);
}

/** What most writes never ask for is made only when it is asked for: a signal costs an AbortController. */
class RequestStrategyContext implements StrategyContext {
  readonly #core: Core;
  readonly #context: RequestContext;
  readonly subresource: string | undefined;

  constructor(core: Core, { context, subresource }: WriteOptions) {
    this.#core = core;
    this.#context = context;
    this.subresource = subresource;
  }

  get user() {
    return this.#context.user;
  }

  get dryRun(): boolean {
    return this.#context.dryRun;
  }

  get fieldManager(): string {
    return this.#context.fieldManager;
  }

  get fieldValidation() {
    return this.#context.fieldValidation;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get registry(): Registry {
    return this.#core.registry;
  }

  warn(text: string): void {
    this.#context.warn(text);
  }

  rewrite(place: Place, change: (draft: Draft) => boolean): Promise<Stored> {
    return this.#core.verbs.rewrite(this, place, change);
  }

  remove(place: Place, deletion: DeleteOptions): Promise<DeleteOutcome> {
    return this.#core.verbs.remove(this, place, deletion);
  }
}

/** The same request in other words. Contexts have getters, which a spread would lose. */
export function contextWith(
  context: RequestContext,
  changes: { dryRun?: boolean; warn?: (text: string) => void },
): RequestContext {
  return {
    user: context.user,
    dryRun: changes.dryRun ?? context.dryRun,
    fieldManager: context.fieldManager,
    fieldValidation: context.fieldValidation,
    ...(context.said ? { said: context.said } : {}),
    annotate: (key, value) => context.annotate?.(key, value),
    warn: changes.warn ?? ((text) => context.warn(text)),
    get signal() {
      return context.signal;
    },
  };
}

export function attributesOf(
  core: Core,
  view: View,
  operation: AdmissionOperation,
  options: WriteOptions,
  objects: { object: Draft | undefined; oldObject: Frozen | undefined; options?: Record<string, unknown> },
): AdmissionAttributes {
  const { definition } = core;
  const { context, place, subresource } = options;
  const found = subresource ? definition.subresources.find((s) => s.name === subresource)?.kind : undefined;
  return {
    operation,
    group: view.gvk.group,
    version: view.gvk.version,
    resource: definition.resource,
    kind: found && found.version !== '' ? found : view.gvk,
    subresource: subresource === '' ? undefined : subresource,
    namespace: place.namespace,
    name: options.nameless ? '' : place.name,
    object: objects.object,
    oldObject: objects.oldObject,
    options: objects.options ?? writeOptionsObject(operation, context),
    context,
    isPatch: options.isPatch,
  };
}

const optionsKinds: Readonly<Record<AdmissionOperation, string>> = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: 'CreateOptions',
};

export function writeOptionsObject(operation: AdmissionOperation, context: RequestContext): Record<string, unknown> {
  const { said } = context;
  const options: Record<string, unknown> = { kind: optionsKinds[operation], apiVersion: 'meta.k8s.io/v1' };
  if (context.dryRun) options.dryRun = ['All'];
  if (said?.fieldManager) options.fieldManager = said.fieldManager;
  if (said?.fieldValidation) options.fieldValidation = said.fieldValidation;
  return options;
}

/** Throws 422 when there is anything to complain of. */
export function refuse(view: View, name: string, causes: StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group: view.gvk.group, kind: view.gvk.kind }, name, causes);
}

/** Whole seconds, as all times in metadata. */
export function timestamp(milliseconds = Date.now()): string {
  return timeText(new Date(milliseconds));
}

export const newUid = (): string => randomUUID();

const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';
const longestBase = 63 - 5;

/** A name from `generateName`: its first 58 characters and five random ones, of letters that make no words. */
export function generatedName(base: string): string {
  const bytes = randomFillSync(new Uint8Array(5));
  const suffix = Array.from(bytes, (byte) => nameLetters[byte % nameLetters.length]).join('');
  return `${base.slice(0, longestBase)}${suffix}`;
}

/** Sets `metadata.managedFields` of what a request has changed. */
export function track(view: View, live: Frozen | undefined, draft: Draft, options: WriteOptions): void {
  trackUpdate(view.gvk, live, draft, {
    manager: options.context.fieldManager,
    subresource: options.subresource,
    now: new Date(),
    schema: view.version.schema.type,
  });
}

export function storedPlace(core: Core, place: Place, name: string): Place {
  return { namespace: core.definition.namespaced ? place.namespace : '', name };
}

/** Gives the draft the group, version and kind of the view. */
export function labelAs(draft: Draft, gvk: GroupVersionKind): Draft {
  draft.apiVersion = apiVersionOf(gvk);
  draft.kind = gvk.kind;
  return draft;
}
