import type { ManagedFieldsEntry } from '../gen/meta-v1.ts';
import {
  decodeFields,
  difference,
  emptySet,
  encodeFields,
  type FieldSet,
  type FieldsV1,
  insert,
  isEmptySet,
} from './field-set.ts';

/** Where a Scale has them. */
const inScalePath = ['spec', 'replicas'];

const fieldsOf = (entry: ManagedFieldsEntry): FieldsV1 => (entry.fieldsV1 ?? {}) as FieldsV1;

const setOf = (path: readonly string[]): FieldSet => {
  const set = emptySet();
  insert(
    set,
    path.map((name) => `f:${name}`),
  );
  return set;
};
const fieldsAt = (path: readonly string[]) => encodeFields(setOf(path)) as ManagedFieldsEntry['fieldsV1'];

const has = (entry: ManagedFieldsEntry, path: readonly string[]): boolean =>
  path.reduce<FieldsV1 | undefined>((fields, name) => fields?.[`f:${name}`], fieldsOf(entry)) !== undefined;

const managerOf = ({ manager, operation, subresource, apiVersion }: ManagedFieldsEntry): string =>
  JSON.stringify([manager, operation, subresource ?? '', operation === 'Apply' ? '' : apiVersion]);

/** The managers of a resource's replicas, which are at `path`, as managers of its Scale. */
export const managersOfScale = (
  entries: readonly ManagedFieldsEntry[],
  path: readonly string[],
): ManagedFieldsEntry[] =>
  entries
    .filter((entry) => has(entry, path))
    .map((entry) => ({ ...entry, apiVersion: 'autoscaling/v1', fieldsV1: fieldsAt(inScalePath) }));

/**
 * The managers of a resource after a write of its Scale: who is no manager of that any more gives the replicas up, who
 * is new has nothing else, nor a time (upstream: `managedfields/scalehandler.go`).
 */
export function managersOfParent(
  entries: readonly ManagedFieldsEntry[],
  scale: readonly ManagedFieldsEntry[],
  apiVersion: string,
  path: readonly string[],
): ManagedFieldsEntry[] {
  const inScale = new Set(scale.map(managerOf));
  const inParent = new Set(entries.map(managerOf));
  const kept = entries.flatMap((entry) => {
    if (!has(entry, path) || inScale.has(managerOf(entry))) return [entry];
    const left = difference(decodeFields(fieldsOf(entry)), setOf(path));
    return isEmptySet(left) ? [] : [{ ...entry, fieldsV1: encodeFields(left) as ManagedFieldsEntry['fieldsV1'] }];
  });
  const added = scale
    .filter((entry) => !inParent.has(managerOf(entry)) && has(entry, inScalePath))
    .map(({ time: _, ...entry }) => ({ ...entry, apiVersion, fieldsV1: fieldsAt(path) }));
  return [...kept, ...added];
}
