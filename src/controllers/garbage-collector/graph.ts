import type { ObjectMeta, OwnerReference } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { ServedResource } from '../runtime/discovery.ts';

/** An object in the graph of owners and dependents. */
export interface Item {
  readonly uid: string;
  /** Undefined: only known as somebody's owner, not yet seen. */
  resource: ServedResource | undefined;
  meta: ObjectMeta | undefined;
  /** How dependents name it, while it is not seen itself. */
  readonly named: { reference: OwnerReference; namespace: string | undefined } | undefined;
  /** `nobody` until there is one: most objects own nothing. */
  dependents: ReadonlySet<Item>;
}

const nobody: ReadonlySet<Item> = new Set();
const noReferences: readonly OwnerReference[] = [];

export const foreground = 'foregroundDeletion';
export const orphan = 'orphan';

export const isDeleting = (item: Item): boolean => item.meta?.deletionTimestamp !== undefined;
/** Waits until its dependents are gone. */
export const waitsForDependents = (item: Item): boolean =>
  isDeleting(item) && (item.meta?.finalizers ?? []).includes(foreground);
export const waitsForOrphaning = (item: Item): boolean =>
  isDeleting(item) && (item.meta?.finalizers ?? []).includes(orphan);

/** What a change in the graph asks for. */
export interface GraphEffects {
  /** Look whether the item has an owner left. */
  check(item: Item): void;
  /** Part the item from its dependents. */
  release(item: Item): void;
}

const names = (references: readonly OwnerReference[], { uid }: OwnerReference): boolean =>
  references.some((one) => one.uid === uid);

/** Keeps up with the objects of all kinds. Pure book-keeping: what is to be done comes out through the effects. */
export interface Graph {
  set(resource: ServedResource, object: KubernetesObject): void;
  remove(uid: string): void;
  get(uid: string): Item | undefined;
  owners(item: Item): readonly OwnerReference[];
  readonly size: number;
}

export function createGraph(effects: GraphEffects): Graph {
  const items = new Map<string, Item>();

  const itemFor = (reference: OwnerReference, namespace: string | undefined): Item => {
    const known = items.get(reference.uid);
    if (known) return known;
    const made: Item = {
      uid: reference.uid,
      resource: undefined,
      meta: undefined,
      named: { reference, namespace },
      dependents: nobody,
    };
    items.set(reference.uid, made);
    return made;
  };

  const link = (item: Item, reference: OwnerReference): void => {
    const owner = itemFor(reference, item.meta?.namespace);
    if (owner.dependents === nobody) owner.dependents = new Set();
    (owner.dependents as Set<Item>).add(item);
    // Nobody has seen the owner: it may never have existed or be gone already. One in another namespace is none.
    const elsewhere = Boolean(owner.meta?.namespace) && owner.meta?.namespace !== item.meta?.namespace;
    if (!owner.meta || elsewhere || waitsForDependents(owner)) effects.check(item);
  };

  const unlink = (item: Item, uid: string): void => {
    const owner = items.get(uid);
    if (!owner) return;
    if (owner.dependents !== nobody) (owner.dependents as Set<Item>).delete(item);
    if (waitsForDependents(owner)) effects.check(owner);
    if (!owner.meta && owner.dependents.size === 0) items.delete(uid);
  };

  return {
    set(resource, object) {
      const uid = object.metadata.uid ?? '';
      const known = items.get(uid);
      const item: Item = known ?? { uid, resource, meta: undefined, named: undefined, dependents: nobody };
      items.set(uid, item);
      const old = item.meta;
      const was = { waits: waitsForDependents(item), orphans: waitsForOrphaning(item) };
      item.resource = resource;
      item.meta = object.metadata;
      const before = old?.ownerReferences ?? noReferences;
      const after = object.metadata.ownerReferences ?? noReferences;
      for (const reference of after) if (!names(before, reference)) link(item, reference);
      for (const reference of before) if (!names(after, reference)) unlink(item, reference.uid);
      if (waitsForOrphaning(item) && !was.orphans) effects.release(item);
      if (waitsForDependents(item)) {
        if (!was.waits) for (const dependent of item.dependents) effects.check(dependent);
        effects.check(item);
        for (const { uid: ownerUid } of after) {
          const owner = items.get(ownerUid);
          if (owner && waitsForDependents(owner) && !was.waits) effects.check(owner);
        }
      }
      // A reference that no longer blocks may be what its owner waits for.
      for (const reference of after) {
        const owner = items.get(reference.uid);
        if (owner && waitsForDependents(owner) && names(before, reference)) effects.check(owner);
      }
    },
    remove(uid) {
      const item = items.get(uid);
      if (!item?.meta) return;
      const { ownerReferences = [] } = item.meta;
      items.delete(uid);
      for (const reference of ownerReferences) unlink(item, reference.uid);
      if (item.dependents.size > 0) {
        // Kept as a name until the dependents are gone or parted from it.
        const reference = { apiVersion: '', kind: '', name: item.meta.name ?? '', uid };
        const ghost: Item = {
          uid,
          resource: undefined,
          meta: undefined,
          named: { reference, namespace: item.meta.namespace },
          dependents: item.dependents,
        };
        items.set(uid, ghost);
        for (const dependent of item.dependents) effects.check(dependent);
      }
    },
    get: (uid) => items.get(uid),
    owners: (item) => item.meta?.ownerReferences ?? [],
    get size() {
      return items.size;
    },
  };
}
