import { conflict, invalid, isApiError, notFound } from '../../api/status.ts';
import { put, remove } from './commit.ts';
import { attributesOf, type Core, strategyContext, timestamp, type View } from './core.ts';
import { durable, newest } from './newest.ts';
import { type Kept, ordered, storedUnwritten, textOf } from './stored.ts';
import type { DeleteOptions, DeleteOutcome, Draft, Frozen, StrategyContext, WriteOptions } from './types.ts';

const orphan = 'orphan';
const foreground = 'foregroundDeletion';
const attempts = 20;

/** What a deletion comes to for the object as it stands. */
type Step = { kind: 'nothing' } | { kind: 'mark'; draft: Draft; thenRemove: boolean } | { kind: 'remove' };

/** DELETE of one object: at once, after its grace period, or when its finalizers are done. Throws ApiError. */
export async function deleteObject(
  core: Core,
  view: View,
  options: WriteOptions,
  deletion: DeleteOptions,
): Promise<DeleteOutcome> {
  const { definition, cache } = core;
  const { place } = options;
  const key = cache.key(place);
  const context = strategyContext(core, options);
  checkDeleteOptions(deletion);
  for (const text of definition.strategy.deletionWarnings?.(deletion) ?? []) options.context.warn(text);
  let admitted: Kept | undefined;
  let marked: Kept | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const existing = newest(core, key);
    // Marked here to go at once, taken away by somebody who saw the mark: what was asked for has come about.
    if (marked && existing?.peek().metadata.uid !== marked.peek().metadata.uid)
      return { stored: marked, deleted: true, answerObject: answersObject(core) };
    if (!existing) throw notFound(definition, place.name);
    const old = existing.peek();
    try {
      checkPreconditions(core, marked ? {} : deletion, existing, old);
    } catch (error) {
      if (isApiError(error)) await durable(core, existing);
      throw error;
    }
    if (admitted !== existing)
      await admit(core, view, options, deletion, view.converts ? await view.toView(existing.draft()) : old);
    admitted = existing;
    const step = nextStep(core, existing, old, deletion);
    if (step.kind === 'nothing')
      return { stored: await durable(core, existing), deleted: false, answerObject: answersObject(core) };
    if (context.dryRun) return dryRun(core, existing, step);
    let target = existing;
    if (step.kind === 'mark') {
      const written = await mark(core, existing, step.draft);
      if (!written) continue;
      if (!step.thenRemove) return { stored: written, deleted: false, answerObject: true };
      target = marked = written;
    }
    const outcome = await removeNow(core, context, target);
    if (outcome) return outcome;
  }
  throw conflict(definition, place.name, 'the object changes too often to be deleted');
}

function answersObject({ definition }: Core): boolean {
  return definition.strategy.answerDeleted ?? false;
}

async function removeNow(core: Core, context: StrategyContext, existing: Kept): Promise<DeleteOutcome | undefined> {
  const revision = await remove(core, existing, existing.revision);
  if (revision === undefined) return undefined;
  await core.definition.strategy.afterDelete?.(existing.peek(), context);
  return { stored: existing, deleted: true, answerObject: answersObject(core) };
}

async function mark(core: Core, existing: Kept, draft: Draft): Promise<Kept | undefined> {
  const final = ordered(draft);
  const text = textOf(final, existing.revision);
  if (existing.bytes.equals(Buffer.from(text))) return durable(core, existing);
  return put(core, { place: existing, draft: final, text, expected: existing.revision });
}

function dryRun(core: Core, existing: Kept, step: Exclude<Step, { kind: 'nothing' }>): DeleteOutcome {
  if (step.kind === 'remove') return { stored: existing, deleted: true, answerObject: answersObject(core) };
  const origin = { key: existing.key, place: existing, revision: existing.revision, fields: core.cache.fields };
  const stored = storedUnwritten(origin, ordered(step.draft));
  return { stored, deleted: step.thenRemove, answerObject: !step.thenRemove || answersObject(core) };
}

async function admit(
  core: Core,
  view: View,
  options: WriteOptions,
  deletion: DeleteOptions,
  oldObject: Frozen,
): Promise<void> {
  const dryRun = options.context.dryRun ? { dryRun: ['All'] } : {};
  const given = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...deletion, ...dryRun };
  const objects = { object: undefined, oldObject, options: given };
  const mutation = core.admission.mutate(attributesOf(core, view, 'DELETE', options, objects));
  if (mutation instanceof Promise) await mutation;
  const validation = core.admission.validate(attributesOf(core, view, 'DELETE', options, objects));
  if (validation instanceof Promise) await validation;
}

/** Throws ApiError for options that contradict themselves. */
export function checkDeleteOptions({ orphanDependents, propagationPolicy }: DeleteOptions): void {
  const refuse = (field: string, reason: string, message: string) =>
    invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [{ reason, field, message }]);
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    throw refuse(
      'propagationPolicy',
      'FieldValueInvalid',
      `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`,
    );
  }
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) {
    throw refuse(
      'propagationPolicy',
      'FieldValueNotSupported',
      `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    );
  }
}

function checkPreconditions({ definition }: Core, { preconditions }: DeleteOptions, existing: Kept, old: Frozen): void {
  const { uid, resourceVersion } = preconditions ?? {};
  if (definition.strategy.markDeleting && uid !== undefined && uid !== old.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
    throw conflict(definition, existing.name, why);
  }
  const place = { group: definition.group, resource: definition.kind };
  if (uid !== undefined && uid !== old.metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${old.metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(place, existing.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== String(existing.revision)) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${existing.revision}). The object might have been modified`;
    throw conflict(place, existing.name, why);
  }
}

function nextStep(core: Core, existing: Kept, old: Frozen, deletion: DeleteOptions): Step {
  const draft = existing.draft();
  const graceful = gracePeriod(core, draft, deletion);
  if (graceful.kind === 'pending') return { kind: 'nothing' };
  const finalizers = finalizersFor(core, old, deletion);
  if (finalizers) draft.metadata.finalizers = finalizers;
  const waiting = (draft.metadata.finalizers?.length ?? 0) > 0;
  if (graceful.kind === 'graceful') {
    return { kind: 'mark', draft, thenRemove: !waiting && graceful.seconds === 0 };
  }
  if (waiting || !(core.definition.strategy.deleteWhenUnfinalized?.(draft) ?? true)) {
    markAsDeleting(draft);
    core.definition.strategy.markDeleting?.(draft, old);
    return { kind: 'mark', draft, thenRemove: false };
  }
  return { kind: 'remove' };
}

/** As Go reckons with durations: those past 292 years wrap. */
const elapsedMs = (seconds: number | bigint): number =>
  Number(BigInt.asIntN(64, BigInt(seconds) * 1_000_000_000n) / 1_000_000n);

type Grace = { kind: 'none' } | { kind: 'pending' } | { kind: 'graceful'; seconds: number };

/** Sets the times of a graceful deletion in the draft. */
function gracePeriod({ definition }: Core, draft: Draft, { gracePeriodSeconds }: DeleteOptions): Grace {
  const { strategy } = definition;
  const { metadata } = draft;
  if (!strategy.gracePeriod) return { kind: 'none' };
  const asked = gracePeriodSeconds !== undefined && gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined) {
    const current = metadata.deletionGracePeriodSeconds ?? 0;
    if (current === 0) return { kind: 'none' };
    if (asked === undefined || asked >= current) return { kind: 'pending' };
    const shortened = Date.parse(metadata.deletionTimestamp) + elapsedMs(asked) - elapsedMs(current);
    const late = shortened < Date.now();
    metadata.deletionTimestamp = timestamp(late ? Date.now() : shortened);
    metadata.deletionGracePeriodSeconds = late && asked !== 0 ? 1 : asked;
    return { kind: 'graceful', seconds: asked };
  }
  const seconds = strategy.gracePeriod(draft, asked);
  if (seconds === undefined) return { kind: 'none' };
  metadata.deletionTimestamp = timestamp(Date.now() + elapsedMs(seconds));
  metadata.deletionGracePeriodSeconds = seconds;
  if ((metadata.generation ?? 0) > 0) metadata.generation = (metadata.generation ?? 0) + 1;
  return { kind: 'graceful', seconds };
}

function markAsDeleting({ metadata }: Draft): void {
  if (metadata.deletionTimestamp === undefined && (metadata.generation ?? 0) > 0)
    metadata.generation = (metadata.generation ?? 0) + 1;
  const now = Date.now();
  if (metadata.deletionTimestamp === undefined || Date.parse(metadata.deletionTimestamp) > now)
    metadata.deletionTimestamp = timestamp(now);
  metadata.deletionGracePeriodSeconds = 0;
}

/** The finalizers that the propagation policy asks for; undefined when they stay as they are. */
function finalizersFor({ definition }: Core, { metadata }: Frozen, deletion: DeleteOptions): string[] | undefined {
  const fallback = definition.strategy.defaultPropagation ?? 'Background';
  const current = metadata.finalizers ?? [];
  const policy = policyOf(deletion) ?? policyOfFinalizers(current) ?? fallback;
  const wanted = current.filter((f) => f !== orphan && f !== foreground);
  if (fallback !== 'Unsupported' && policy === 'Orphan') wanted.push(orphan);
  if (fallback !== 'Unsupported' && policy === 'Foreground') wanted.push(foreground);
  const unchanged = wanted.length === current.length && wanted.every((f) => current.includes(f));
  return unchanged ? undefined : wanted;
}

function policyOf({ orphanDependents, propagationPolicy }: DeleteOptions): string | undefined {
  if (orphanDependents !== undefined) return orphanDependents ? 'Orphan' : 'Background';
  return propagationPolicy;
}

function policyOfFinalizers(finalizers: readonly string[]): string | undefined {
  const found = finalizers.find((f) => f === orphan || f === foreground);
  if (found === undefined) return undefined;
  return found === orphan ? 'Orphan' : 'Foreground';
}
