import { apiVersionOf } from '../../api/object.ts';
import type { Draft, Frozen, ResourceDefinition } from './types.ts';

const emptyByDefinition = new WeakMap<ResourceDefinition, { status: string | undefined }>();

/** Sets the status of a new object: that of an object of which nothing is known yet. */
export function resetStatus(definition: ResourceDefinition, draft: Draft): void {
  let empty = emptyByDefinition.get(definition);
  if (!empty) {
    const version = definition.versions.find((v) => v.version === definition.storageVersion);
    const apiVersion = apiVersionOf({ group: definition.group, version: definition.storageVersion });
    const blank: Draft = { kind: definition.kind, apiVersion, metadata: { name: 'x' } };
    const decoded = version?.schema.decode(blank, { fieldValidation: 'Ignore', warn() {} });
    const status = decoded?.status;
    empty = { status: status === undefined ? undefined : JSON.stringify(status) };
    emptyByDefinition.set(definition, empty);
  }
  if (empty.status === undefined) delete draft.status;
  else draft.status = JSON.parse(empty.status);
}

/** For a write of the object itself: its status stays as it is. */
export function keepStatus(draft: Draft, old: Frozen): void {
  keepField(draft, old, 'status');
}

/** For a write of `status`: everything but it and the metadata stays as it is. */
export function keepAllButStatus(draft: Draft, old: Frozen): void {
  for (const field of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (field !== 'status' && field !== 'metadata' && field !== 'kind' && field !== 'apiVersion')
      keepField(draft, old, field);
  }
}

const kept = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** Labels and the like as they were. */
export function keepMetadata(draft: Draft, old: Frozen, fields: readonly (typeof kept)[number][] = kept): void {
  for (const field of fields) {
    if (old.metadata[field] === undefined) delete draft.metadata[field];
    else Object.assign(draft.metadata, { [field]: old.metadata[field] });
  }
}

/** `old` may be shared: what is taken from it must not be altered afterwards. */
function keepField(draft: Draft, old: Frozen, field: string): void {
  if (old[field] === undefined) delete draft[field];
  else draft[field] = old[field];
}

/** What `draft` has in common with `old` becomes its own, to be altered. */
export function unshare(draft: Draft, old: Frozen): void {
  for (const [mine, theirs] of [[draft, old] as const, [draft.metadata, old.metadata] as const]) {
    for (const [field, value] of Object.entries(mine)) {
      const shared = typeof value === 'object' && value !== null && value === Reflect.get(theirs, field);
      if (shared) Object.assign(mine, { [field]: structuredClone(value) });
    }
  }
}

/** Whether anything but metadata and status differs. */
export function contentDiffers(draft: Draft, old: Frozen, same: (a: unknown, b: unknown) => boolean): boolean {
  for (const field of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (field === 'status' || field === 'metadata' || field === 'kind' || field === 'apiVersion') continue;
    if (!same(draft[field], old[field])) return true;
  }
  return false;
}
