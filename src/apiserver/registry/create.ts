import { ApiError, alreadyExists, badRequest, plainFailure } from '../../api/status.ts';
import { leaveOutDropped, nullEmpties } from '../../api/unstored.ts';
import { parseExact } from '../../base/exact-json.ts';
import { put } from './commit.ts';
import {
  attributesOf,
  type Core,
  generatedName,
  newUid,
  refuse,
  strategyContext,
  timestamp,
  track,
  type View,
} from './core.ts';
import { newest } from './newest.ts';
import { resetStatus } from './status-part.ts';
import { type Kept, ordered, storedUnwritten, textOf } from './stored.ts';
import type { Draft, StrategyContext, WriteOptions } from './types.ts';

const generateAttempts = 8;

/** POST of an object: from what was decoded to what is durable. */
export async function createObject(core: Core, view: View, options: WriteOptions, object: Draft): Promise<Kept> {
  object.metadata ??= {};
  const generated = isNameless(object);
  if (!generated) return createOnce(core, view, options, object);
  const pristine = JSON.stringify(object);
  for (let attempt = 1; ; attempt++) {
    const candidate = attempt === 1 ? object : (parseExact(pristine) as Draft);
    try {
      return await createOnce(core, view, options, candidate);
    } catch (error) {
      const taken = (error as { reason?: string }).reason === 'AlreadyExists';
      if (!taken || attempt === generateAttempts) throw error;
    }
  }
}

async function createOnce(core: Core, view: View, options: WriteOptions, object: Draft): Promise<Kept> {
  view.version.schema.applyDefaults(object);
  prepareForCreate(core, view, object);
  track(view, undefined, object, options);
  return admitAndInsert(core, view, options, object);
}

/** What no client may say of a new object. */
export function prepareForCreate({ definition }: Core, view: View, object: Draft): void {
  const { strategy } = definition;
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  if (!definition.namespaced) delete metadata.namespace;
  delete metadata.creationTimestamp;
  delete metadata.uid;
  if (strategy.status && !strategy.statusOnCreate) {
    if (view.converts) delete object.status;
    else resetStatus(definition, object);
  }
  strategy.normalize?.(object, undefined);
}

const isNameless = ({ metadata }: Draft): boolean => !metadata.name && Boolean(metadata.generateName);

/** What the server alone says of a new object: after mutating admission, which does not see it. */
function stamp({ definition: { strategy } }: Core, object: Draft): void {
  const { metadata } = object;
  metadata.creationTimestamp = timestamp();
  metadata.uid = newUid();
  if (strategy.generation) metadata.generation = 1;
  if (isNameless(object)) metadata.name = (strategy.generatedName ?? generatedName)(metadata.generateName ?? '');
}

/** The second half of a create, for an object that is complete: admission, strategy, validation, storage. */
export async function admitAndInsert(core: Core, view: View, options: WriteOptions, object: Draft): Promise<Kept> {
  const { definition, cache } = core;
  const { strategy } = definition;
  const attributes = attributesOf(core, view, 'CREATE', options, { object, oldObject: undefined });
  const mutation = core.admission.mutate(attributes);
  const changed = mutation instanceof Promise ? await mutation : mutation;
  const admitted = attributes.object as Draft;
  if (changed) {
    settleMutation(view, admitted);
    mustStay(core, options, admitted);
  }
  stamp(core, admitted);

  const context = strategyContext(core, options);
  const converted = view.converts ? view.toStored(admitted) : admitted;
  const draft = converted instanceof Promise ? await converted : converted;
  if (view.converts && strategy.status && !strategy.statusOnCreate) resetStatus(definition, draft);
  const allocating = strategy.allocate?.(draft, undefined, context);
  const allocation = allocating instanceof Promise ? await allocating : allocating;
  try {
    strategy.prepareForCreate?.(draft, context);
    leaveOutDropped(draft);
    const name = draft.metadata.name ?? '';
    refuse(view, name, validated(core, draft, context));
    for (const text of view.version.schema.warnings?.(draft, undefined) ?? []) context.warn(text);
    for (const text of strategy.warnings?.(draft, undefined, context) ?? []) context.warn(text);
    const shown = view.converts ? await view.toView(structuredClone(draft)) : draft;
    const validation = core.admission.validate(
      attributesOf(core, view, 'CREATE', options, { object: shown, oldObject: undefined }),
    );
    if (validation instanceof Promise) await validation;

    const place = { namespace: draft.metadata.namespace ?? '', name };
    const given = draft.metadata.resourceVersion;
    nullEmpties(draft);
    strategy.fillInStored?.(draft);
    const final = ordered(draft);
    const key = cache.key(place);
    if (context.dryRun) {
      if (newest(core, key)) throw nameTaken(core, key, name);
      await allocation?.revert();
      return storedUnwritten({ key, place, revision: Number(given ?? 0), fields: cache.fields }, final);
    }
    if (given && given !== '0') throw plainFailure(500, 'resourceVersion should not be set on objects to be created');
    const stored = await put(core, { place, draft: final, text: textOf(final), expected: 0 });
    if (!stored) throw nameTaken(core, key, name);
    await allocation?.commit();
    return stored;
  } catch (error) {
    await allocation?.revert();
    throw error;
  }
}

/** The name is somebody else's, perhaps not for long. */
function nameTaken(core: Core, key: string, name: string): ApiError {
  const error = alreadyExists(core.definition, name);
  if (newest(core, key)?.peek().metadata.deletionTimestamp === undefined) return error;
  return new ApiError({ ...error.status, message: `object is being deleted: ${error.message}` });
}

/** Admission moves no object to another namespace. */
function mustStay({ definition }: Core, { place: { namespace } }: WriteOptions, { metadata }: Draft): void {
  if (!definition.namespaced) {
    delete metadata.namespace;
    return;
  }
  metadata.namespace ||= namespace;
  if (metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** After mutating admission an object is again what its schema says. */
export function settleMutation({ version: { schema } }: View, object: Draft): void {
  schema.prune?.(object);
  schema.applyDefaults(object);
}

function validated({ definition }: Core, draft: Draft, context: StrategyContext) {
  const { strategy, storageVersion, versions } = definition;
  const stored = versions.find((v) => v.version === storageVersion);
  return [...(stored?.schema.validateCreate(draft) ?? []), ...(strategy.validate?.(draft, context) ?? [])];
}
