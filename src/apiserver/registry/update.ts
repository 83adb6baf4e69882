import { type ApiError, conflict, invalid, isApiError, notFound, plainFailure } from '../../api/status.ts';
import { leaveOutDropped, nullEmpties } from '../../api/unstored.ts';
import { put, remove } from './commit.ts';
import { attributesOf, type Core, refuse, strategyContext, track, type View } from './core.ts';
import { settleMutation } from './create.ts';
import { shownKey } from './keys.ts';
import { durable, newest } from './newest.ts';
import { isRefreshed } from './refresh.ts';
import { same } from './same.ts';
import { contentDiffers, keepAllButStatus, keepMetadata, keepStatus, unshare } from './status-part.ts';
import { atRevision, type Kept, ordered, storedUnwritten, textOf } from './stored.ts';
import type { Draft, Frozen, Maybe, Place, ResourceDefinition, StrategyContext, WriteOptions } from './types.ts';
import { isRevision, unparsable } from './versions.ts';

/** What a write wants the object to become, worked out anew for every attempt. */
export interface Wanted {
  /** The new object in the view's version, defaults applied; undefined: leave it as it is. */
  make(existing: Kept): Draft | undefined | Promise<Draft | undefined>;
  /** `managedFields` are to be worked out from the change (not for applies, which have done so). */
  readonly tracking: boolean;
  /** Only what asks from outside passes admission. */
  readonly admitting: boolean;
}

const attempts = 20;

/**
 * PUT and PATCH of an object that is there. Works on the newest state, durable or on its way, so that writes to one
 * object follow one another without waiting: nothing is awaited between reading that state and handing over the new
 * one, unless admission has to wait for somebody. Starts over when something came between.
 */
export async function updateObject(core: Core, view: View, options: WriteOptions, wanted: Wanted): Promise<Kept> {
  const { definition, cache } = core;
  const key = cache.key(options.place);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = newest(core, key);
    if (!found) throw notFound(definition, options.place.name);
    try {
      const refreshing = core.refresh?.(found) ?? found;
      const existing = refreshing instanceof Promise ? await refreshing : refreshing;
      const making = wanted.make(existing);
      const made = making instanceof Promise ? await making : making;
      if (!made) return durable(core, existing);
      const stored = await updateOnce(core, view, options, wanted, existing, made);
      if (stored) return stored;
    } catch (error) {
      // Whoever is refused reads the object next, and must find what the refusal came from.
      if (isApiError(error)) await durable(core, found);
      throw error;
    }
  }
  throw conflict(definition, options.place.name, modified);
}

export const modified = 'the object has been modified; please apply your changes to the latest version and try again';

async function updateOnce(
  core: Core,
  view: View,
  options: WriteOptions,
  wanted: Wanted,
  existing: Kept,
  made: Draft,
): Promise<Kept | undefined> {
  const { definition } = core;
  const { strategy } = definition;
  const old = existing.peek();
  const { place } = options;
  const context = strategyContext(core, options);

  const oldInView = view.converts ? ((await view.toView(existing.draft())) as Frozen) : old;
  prepareForUpdate(core, made, oldInView, options);
  if (wanted.tracking) track(view, oldInView, made, options);
  const admitting = wanted.admitting ? admit(core, view, options, made, oldInView) : made;
  const admitted = admitting instanceof Promise ? await admitting : admitting;
  const draft = view.converts ? await view.toStored(admitted) : admitted;
  checkPreconditions(core, options, draft, existing, old);
  const allocating = options.subresource ? undefined : strategy.allocate?.(draft, old, context);
  const allocation = allocating instanceof Promise ? await allocating : allocating;
  try {
    leaveOutDropped(draft);
    nullEmpties(draft);
    strategy.prepareForUpdate?.(draft, old, context);
    if (strategy.generation && contentDiffers(draft, old, same)) {
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
    }
    keepSystemFields(draft, old);
    refuse(view, place.name, validated(core, draft, old, context));
    const { schema } = view.version;
    const { subresource } = options;
    const warnings = subresource ? schema.subresourceWarnings?.(draft, subresource) : schema.warnings?.(draft, old);
    for (const text of warnings ?? []) context.warn(text);
    for (const text of strategy.warnings?.(draft, old, context) ?? []) context.warn(text);

    if (wanted.admitting) {
      const object = view.converts ? await view.toView(structuredClone(draft)) : draft;
      const attributes = attributesOf(core, view, 'UPDATE', options, { object, oldObject: oldInView });
      const validation = core.admission.validate(attributes);
      if (validation instanceof Promise) await validation;
    }

    strategy.fillInStored?.(draft);
    const stored = await write(core, place, existing, draft, context);
    // Nothing was written: something came in between, nothing changed, or it was a dry run.
    if (!stored || stored === existing || context.dryRun) await allocation?.revert();
    else await allocation?.commit();
    return stored;
  } catch (error) {
    await allocation?.revert();
    throw error;
  }
}

async function write(
  core: Core,
  place: Place,
  existing: Kept,
  draft: Draft,
  context: StrategyContext,
): Promise<Kept | undefined> {
  const final = ordered(draft);
  if (leavesNow(core, draft, existing.peek())) return finishDeletion(core, place, existing, final, context);
  const text = textOf(final, existing.revision);
  const asStored = !isRefreshed(existing) && !core.backend.stale?.(existing.key);
  if (asStored && isText(existing.bytes, text)) return durable(core, existing);
  if (context.dryRun) {
    const origin = { key: existing.key, place, revision: existing.revision, fields: core.cache.fields };
    return storedUnwritten(origin, final);
  }
  const heartbeat = core.definition.strategy.isHeartbeat?.(final, existing.peek());
  return put(core, { place, draft: final, text, expected: existing.revision, heartbeat });
}

function admit(core: Core, view: View, options: WriteOptions, object: Draft, oldObject: Frozen): Maybe<Draft> {
  const attributes = attributesOf(core, view, 'UPDATE', options, { object, oldObject });
  const admitted = (changed: boolean): Draft => {
    const draft = attributes.object as Draft;
    if (!changed) return draft;
    unshare(draft, oldObject);
    settleMutation(view, draft);
    return draft;
  };
  const mutation = core.admission.mutate(attributes);
  return mutation instanceof Promise ? mutation.then(admitted) : admitted(mutation);
}

/** What the object in the request says of the one that it is meant for. */
function checkPreconditions(
  core: Core,
  { place, context }: WriteOptions,
  draft: Draft,
  existing: Kept,
  old: Frozen,
): void {
  const { definition } = core;
  const { resourceVersion, uid } = draft.metadata;
  if (uid && uid !== old.metadata.uid) throw otherUid(definition, place, uid, old.metadata.uid ?? '', context.dryRun);
  if (resourceVersion && resourceVersion !== '0') {
    if (!isRevision(resourceVersion)) throw plainFailure(500, unparsable(resourceVersion));
    if (resourceVersion !== String(existing.revision)) throw conflict(definition, place.name, modified);
    return;
  }
  if (definition.strategy.unconditionalUpdate ?? true) {
    draft.metadata.resourceVersion = String(existing.revision);
    return;
  }
  throw invalid({ group: definition.group, kind: definition.resource }, place.name, [
    {
      reason: 'FieldValueInvalid',
      field: 'metadata.resourceVersion',
      message: 'Invalid value: 0: must be specified for an update',
    },
  ]);
}

/** The object that is meant is not the one that stands at this name (`found` '': none does). */
export function otherUid(
  definition: ResourceDefinition,
  place: Place,
  uid: string,
  found: string,
  dryRun = false,
): ApiError {
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${found}`;
  const key = dryRun ? shownKey(definition, place).replace('/registry', '') : shownKey(definition, place);
  return conflict(
    definition,
    place.name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
  );
}

/** What no write may change, and what this one may not. */
function prepareForUpdate({ definition }: Core, draft: Draft, old: Frozen, { subresource }: WriteOptions): void {
  if (old.metadata.generation === undefined) delete draft.metadata.generation;
  else draft.metadata.generation = old.metadata.generation;
  if (!definition.namespaced) delete draft.metadata.namespace;
  if (subresource === 'status') {
    keepAllButStatus(draft, old);
    const { statusKeepsMetadata: kept = false } = definition.strategy;
    if (kept) keepMetadata(draft, old, kept === true ? undefined : kept);
  }
  if (definition.strategy.status && !subresource) keepStatus(draft, old);
  definition.strategy.normalize?.(draft, old);
}

/** What a deletion has written stays as it is; to write it without one is refused when the object is validated. */
function keepSystemFields(draft: Draft, old: Frozen): void {
  const { metadata } = draft;
  metadata.uid = old.metadata.uid;
  metadata.creationTimestamp = old.metadata.creationTimestamp;
  if (old.metadata.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.metadata.deletionTimestamp;
  if (old.metadata.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds ??= old.metadata.deletionGracePeriodSeconds;
}

function validated({ definition }: Core, draft: Draft, old: Frozen, context: StrategyContext) {
  const stored = definition.versions.find((v) => v.version === definition.storageVersion);
  return [
    ...(stored?.schema.validateUpdate(draft, old, context.subresource) ?? []),
    ...(definition.strategy.validateUpdate?.(draft, old, context) ?? []),
  ];
}

/** An object on its way out goes with its last finalizer. */
function leavesNow({ definition }: Core, draft: Draft, old: Frozen): boolean {
  if ((draft.metadata.finalizers?.length ?? 0) > 0 || old.metadata.deletionTimestamp === undefined) return false;
  if ((old.metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false;
  return definition.strategy.deleteWhenUnfinalized?.(draft) ?? true;
}

async function finishDeletion(
  core: Core,
  place: Place,
  existing: Kept,
  draft: Draft,
  context: StrategyContext,
): Promise<Kept | undefined> {
  const origin = { key: existing.key, place, revision: existing.revision, fields: core.cache.fields };
  const answer = storedUnwritten(origin, draft);
  if (context.dryRun) return answer;
  const revision = await remove(core, place, existing.revision);
  if (revision === undefined) return undefined;
  await core.definition.strategy.afterDelete?.(existing.peek(), context);
  return atRevision(answer, revision, core.cache.fields);
}

/** Most texts differ from what is stored in their length already, which costs no copy to find out. */
const isText = (bytes: Buffer, text: string): boolean =>
  bytes.length === Buffer.byteLength(text) && bytes.equals(Buffer.from(text));
