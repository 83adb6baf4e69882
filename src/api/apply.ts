import {
  covers,
  decodeFields,
  difference,
  emptySet,
  encodeFields,
  type FieldSet,
  type FieldsV1,
  insert,
  intersection,
  isEmptySet,
  pathsOf,
  pathText,
  touches,
  union,
} from './apply/field-set.ts';
import { problemsText, typedProblems } from './apply/typed-problems.ts';
import { type Comparison, compare, fieldsOf, KeylessItem, merge, prune, spotOf } from './apply/typed-value.ts';
import { wasEmpty, zeroObject } from './canonical.ts';
import { decodeValue } from './decode.ts';
import type { ManagedFieldsEntry, StatusCause } from './gen/meta-v1.ts';
import { timeText } from './literals.ts';
import { apiVersionOf, type KubernetesObject } from './object.ts';
import { type GroupVersionKind, schemaOf, type TypeSchema } from './schema.ts';
import { ApiError, badRequest } from './status.ts';

export interface ManagerOptions {
  /** The field manager's name (query parameter, or derived from the user agent by `managerName`). */
  manager: string;
  /** '' for the object itself, `status`, … */
  subresource?: string | undefined;
  now: Date;
  /** The type, for kinds that the facts do not know (custom resources). */
  schema?: TypeSchema | undefined;
  /**
   * Top-level fields that the endpoint takes no change of. Default: `status` for the object itself, `spec` for its
   * `status` subresource.
   */
  ignored?: readonly string[] | undefined;
}

/** The manager that upstream derives from a User-Agent: what is before the first `/`, at most 128 characters. */
export function managerName(userAgent: string | undefined): string {
  const name = (userAgent ?? '').split('/')[0] ?? '';
  return name === '' ? 'unknown' : name.slice(0, 128);
}

/** Most managers by `Update` that are kept apart; the oldest of more are put together. */
const maxUpdateManagers = 10;
const oldManagers = 'ancient-changes';

const never: FieldSet = emptySet();
for (const path of [
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => ['f:metadata', `f:${name}`]),
]) {
  insert(never, path);
}

/** Kinds of which clients own nothing but metadata. */
const metadataOnly = new Set(['CertificateSigningRequest']);

function ignoredOf(gvk: GroupVersionKind, options: ManagerOptions): readonly string[] {
  if (options.ignored) return options.ignored;
  if (options.subresource) return options.subresource === 'status' ? ['spec'] : [];
  return metadataOnly.has(gvk.kind) ? ['spec', 'status'] : ['status'];
}

const withoutUnmanaged = (set: FieldSet): FieldSet => (set.children ? difference(set, never) : set);

/** Without the top-level fields that an endpoint does not take. The set is this function's to change. */
function withoutIgnored(set: FieldSet, ignored: readonly string[]): FieldSet {
  for (const field of ignored) set.children?.delete(`f:${field}`);
  return set;
}

/** Without what nobody manages and what this endpoint does not take. */
const relevant = (set: FieldSet, ignored: readonly string[]): FieldSet =>
  set.children ? withoutIgnored(difference(set, never), ignored) : set;

/** What is held by whoever applies, whatever is in the configuration: there is no object without it. */
const identity: FieldSet = emptySet();
insert(identity, ['f:metadata', 'f:name']);

const withoutManagers = (object: KubernetesObject): KubernetesObject => {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
};

/**
 * Sets `updated.metadata.managedFields` after a create (`live` undefined), update or patch, in place. Call it on what
 * the client asked for, before the resource's own strategy changes the object. Entries that the client sent replace the
 * live object's; one empty entry (or an empty list, on the object itself) drops them all.
 */
export function trackUpdate(
  gvk: GroupVersionKind,
  live: KubernetesObject | undefined,
  updated: KubernetesObject,
  options: ManagerOptions,
): void {
  const type = options.schema ?? schemaOf(gvk);
  const entries = priorEntries(live, updated, options);
  if (live && entries.length === 0) {
    // Nobody manages it: that stays so until somebody applies.
    delete updated.metadata.managedFields;
    return;
  }
  const before = live ? withoutManagers(live) : type?.shape === 'struct' ? zeroObject(type) : { metadata: {} };
  const change = comparable(() => compare(spotOf(type), before, withoutManagers(updated)));
  if (!change) {
    delete updated.metadata.managedFields;
    return;
  }
  const next = afterUpdate(gvk, entries, relevantChange(change, ignoredOf(gvk, options)), options);
  if (next.length > 0) updated.metadata.managedFields = next;
  else delete updated.metadata.managedFields;
}

/** Undefined where lists have items without a key: nobody manages an object of which upstream cannot say who owns it. */
function comparable<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof KeylessItem) return undefined;
    throw error;
  }
}

function relevantChange(change: Comparison, ignored: readonly string[]): Comparison {
  return {
    added: relevant(change.added, ignored),
    modified: relevant(change.modified, ignored),
    removed: relevant(change.removed, ignored),
  };
}

/** Entries that cannot be read are as if they had not been sent. */
const isReadable = ({ operation, apiVersion, fieldsType, fieldsV1 }: ManagedFieldsEntry): boolean =>
  (operation === 'Apply' || operation === 'Update') &&
  Boolean(apiVersion) &&
  fieldsType === 'FieldsV1' &&
  typeof (fieldsV1 ?? {}) === 'object';

function priorEntries(
  live: KubernetesObject | undefined,
  updated: KubernetesObject,
  options: ManagerOptions,
): readonly ManagedFieldsEntry[] {
  const had = live?.metadata.managedFields ?? [];
  const sent = updated.metadata.managedFields;
  if (options.subresource) return had;
  if (sent?.length === 0 || wasEmpty(updated.metadata, 'managedFields')) return [];
  if (!sent) return had;
  const [only] = sent;
  if (sent.length === 1 && only && Object.keys(only).length === 0) return [];
  return sent.every(isReadable) ? sent : had;
}

const fieldsIn = (entry: ManagedFieldsEntry): FieldsV1 => (entry.fieldsV1 ?? {}) as FieldsV1;

function isEntryOf(
  entry: ManagedFieldsEntry,
  operation: 'Apply' | 'Update',
  apiVersion: string,
  { manager, subresource }: ManagerOptions,
): boolean {
  return (
    entry.operation === operation &&
    entry.manager === manager &&
    (entry.subresource ?? '') === (subresource ?? '') &&
    (operation === 'Apply' || entry.apiVersion === apiVersion)
  );
}

function entryOf(
  operation: 'Apply' | 'Update',
  apiVersion: string,
  fields: FieldsV1,
  { manager, subresource }: ManagerOptions,
  time: string | undefined,
): ManagedFieldsEntry {
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields as ManagedFieldsEntry['fieldsV1'],
    ...(subresource ? { subresource } : {}),
  };
}

function afterUpdate(
  gvk: GroupVersionKind,
  entries: readonly ManagedFieldsEntry[],
  change: Comparison,
  options: ManagerOptions,
): ManagedFieldsEntry[] {
  const apiVersion = apiVersionOf(gvk);
  const taken = union(change.added, change.modified);
  if (isEmptySet(taken) && isEmptySet(change.removed)) return [...entries];
  const lost = union(taken, change.removed);
  const next: ManagedFieldsEntry[] = [];
  let own: ManagedFieldsEntry | undefined;
  for (const entry of entries) {
    if (!isEmptySet(taken) && isEntryOf(entry, 'Update', apiVersion, options)) own = entry;
    else {
      const kept = without(entry, lost);
      if (kept) next.push(kept);
    }
  }
  if (!isEmptySet(taken)) next.push(ownEntry(apiVersion, own, taken, change.removed, options));
  return sorted(capped(next, apiVersion));
}

function without(entry: ManagedFieldsEntry, lost: FieldSet): ManagedFieldsEntry | undefined {
  const fields = fieldsIn(entry);
  if (!touches(fields, lost)) return entry;
  const left = difference(decodeFields(fields), lost);
  return isEmptySet(left) ? undefined : { ...entry, fieldsV1: encodeFields(left) as ManagedFieldsEntry['fieldsV1'] };
}

function ownEntry(
  apiVersion: string,
  own: ManagedFieldsEntry | undefined,
  taken: FieldSet,
  removed: FieldSet,
  options: ManagerOptions,
): ManagedFieldsEntry {
  const time = timeText(options.now);
  if (!own) return entryOf('Update', apiVersion, encodeFields(taken), options, time);
  const fields = fieldsIn(own);
  const same = covers(fields, taken) && !touches(fields, removed);
  const set = same ? fields : encodeFields(union(difference(decodeFields(fields), removed), taken));
  return entryOf('Update', apiVersion, set, options, time);
}

/** Puts the oldest of too many managers by Update together. */
function capped(entries: ManagedFieldsEntry[], apiVersion: string): ManagedFieldsEntry[] {
  const updates = entries.filter((e) => e.operation === 'Update');
  if (updates.length <= maxUpdateManagers) return entries;
  const oldest = updates
    .sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1))
    .slice(0, updates.length - maxUpdateManagers + 1);
  const fields = oldest.map((e) => decodeFields(fieldsIn(e))).reduce(union, emptySet());
  const time = oldest.at(-1)?.time;
  return [
    ...entries.filter((e) => !oldest.includes(e)),
    {
      manager: oldManagers,
      operation: 'Update',
      apiVersion: oldest.at(-1)?.apiVersion ?? apiVersion,
      ...(time ? { time } : {}),
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFields(fields) as ManagedFieldsEntry['fieldsV1'],
    },
  ];
}

/** Appliers first, then by time and name, as upstream writes them. */
export function sorted(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const key = (e: ManagedFieldsEntry): string =>
    [e.operation, e.time ?? '', e.manager, e.apiVersion, e.subresource ?? ''].join('\0');
  return entries.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * Server-side apply: the merged object (fresh, canonical), defaults not applied, `managedFields` set. `applied` is the
 * configuration as parsed, not decoded: what it does not say must not be in it. It is not changed.
 * Throws ApiError Conflict with its causes unless `force`.
 */
export function applyConfiguration(
  gvk: GroupVersionKind,
  live: KubernetesObject | undefined,
  applied: KubernetesObject,
  options: ManagerOptions & { force?: boolean | undefined },
): KubernetesObject {
  const type = options.schema ?? schemaOf(gvk);
  const spot = spotOf(type);
  if (applied.metadata?.managedFields) throw badRequest('metadata.managedFields must be nil');
  const problems = type ? typedProblems(spot, applied) : [];
  const liveProblems = type && live ? typedProblems(spot, live).filter((text) => text.includes(': element ')) : [];
  if (live && liveProblems.length > 0)
    throw notTyped(
      gvk,
      live,
      liveProblems,
      'create manager for existing fields: failed to convert new object',
      'to smd typed',
    );
  if (problems.length > 0) throw notTyped(gvk, applied, problems);
  const apiVersion = apiVersionOf(gvk);
  const ignored = ignoredOf(gvk, options);
  const entries = live ? appliedOn(gvk, live, options) : [];
  const own = entries.find((e) => isEntryOf(e, 'Apply', apiVersion, options));
  const others = entries.filter((e) => e !== own);
  const before = live ? withoutManagers(live) : type?.shape === 'struct' ? zeroObject(type) : { metadata: {} };
  const given = withoutIgnored(fieldsOf(spot, applied), ignored);
  const set = withoutUnmanaged(given);

  let merged = merge(spot, before, applied) as KubernetesObject;
  if (own) {
    const held = others.map((e) => decodeFields(fieldsIn(e))).reduce(union, union(given, identity));
    merged = prune(spot, merged, decodeFields(fieldsIn(own)), held) as KubernetesObject;
  }
  const change = relevantChange(compare(spot, before, merged), ignored);
  const taken = union(change.added, change.modified);
  if (!options.force) refuseConflicts(others, taken);
  const lost = union(taken, change.removed);
  const next = others.map((e) => without(e, lost)).filter((e) => e !== undefined);
  const fields = encodeFields(set);
  // Who changes nothing has no time of it.
  const time = isEmptySet(lost) ? own?.time : timeText(options.now);
  if (!isEmptySet(set)) next.push(entryOf('Apply', apiVersion, fields, options, time));

  const { object } = decodeValue(gvk, structuredClone(merged), { schema: options.schema, fieldValidation: 'Ignore' });
  if (next.length > 0) object.metadata.managedFields = structuredClone(sorted(capped(next, apiVersion)));
  return object;
}

/** The managers of a live object; what is there before anybody is known to manage it gets a manager too. */
function appliedOn(
  gvk: GroupVersionKind,
  live: KubernetesObject,
  options: ManagerOptions,
): readonly ManagedFieldsEntry[] {
  if (live.metadata.managedFields?.length) return live.metadata.managedFields;
  const copy = withoutManagers(live);
  trackUpdate(gvk, undefined, copy, { ...options, manager: 'before-first-apply' });
  return copy.metadata.managedFields ?? [];
}

function refuseConflicts(others: readonly ManagedFieldsEntry[], taken: FieldSet): void {
  const conflicts: { manager: string; field: string }[] = [];
  for (const entry of others) {
    if (!touches(fieldsIn(entry), taken)) continue;
    const paths = pathsOf(intersection(decodeFields(fieldsIn(entry)), taken));
    for (const path of paths) conflicts.push({ manager: managerText(entry), field: pathText(path) });
  }
  if (conflicts.length > 0) throw applyConflict(conflicts);
}

function managerText({ manager, subresource, operation, apiVersion }: ManagedFieldsEntry): string {
  const name = `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

function applyConflict(conflicts: { manager: string; field: string }[]): ApiError {
  const causes: StatusCause[] = conflicts.map(({ manager, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field,
  }));
  const [first] = conflicts;
  const managers = [...new Set(conflicts.map((c) => c.manager))].sort();
  const lines = managers.flatMap((m) => [
    `conflicts with ${m}:`,
    ...conflicts.filter((c) => c.manager === m).map((c) => `- ${c.field}`),
  ]);
  const text =
    conflicts.length === 1
      ? `Apply failed with 1 conflict: conflict with ${first?.manager}: ${first?.field}`
      : `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: text,
    reason: 'Conflict',
    details: { causes },
    code: 409,
  });
}

/** A configuration that does not fit its schema: upstream answers with a plain failure. */
function notTyped(
  gvk: GroupVersionKind,
  { metadata }: KubernetesObject,
  problems: readonly string[],
  what = 'create typed patch object',
  where = '',
): ApiError {
  const name = `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
  const why = problemsText(problems);
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `failed to ${what} (${name}; ${gvk.group}/${gvk.version}, Kind=${gvk.kind})${where && ` ${where}`}: ${why}`,
    code: 500,
  });
}
