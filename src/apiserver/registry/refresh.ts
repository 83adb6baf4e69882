import { type FieldReader, type Kept, ordered, storedUnwritten } from './stored.ts';
import type { Maybe, ResourceDefinition } from './types.ts';

/** Shows what was stored under an older definition as the newest one has it; everything else passes untouched. */
export type Refresher = (stored: Kept) => Maybe<Kept>;

const refreshed = new WeakSet<Kept>();

/** What is stored is not this but older: a write that changes nothing is worth being made. */
export const isRefreshed = (stored: Kept): boolean => refreshed.has(stored);

/** Undefined where a definition never changes. Each object is looked at once. */
export function createRefresher(
  definition: Pick<ResourceDefinition, 'refresh'>,
  fields: FieldReader,
): Refresher | undefined {
  const { refresh } = definition;
  if (!refresh) return undefined;
  const known = new WeakMap<Kept, Maybe<Kept>>();
  return (stored) => {
    const before = known.get(stored);
    if (before) return before;
    const keep = (draft: Awaited<ReturnType<typeof refresh>>): Kept => {
      if (!draft) return stored;
      const made = storedUnwritten(
        { key: stored.key, place: stored, revision: stored.revision, fields },
        ordered(draft),
      );
      refreshed.add(made);
      known.set(made, made);
      return made;
    };
    const draft = refresh(stored.draft());
    if (!(draft instanceof Promise)) {
      const made = keep(draft);
      known.set(stored, made);
      return made;
    }
    // A conversion that failed is tried again by the next who asks.
    const making = draft.then(keep).catch((error: unknown) => {
      known.delete(stored);
      throw error;
    });
    known.set(stored, making);
    return making;
  };
}
