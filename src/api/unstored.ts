import type { Walk } from './canonical.ts';

/** What a decoded object has that is not kept when it is stored; whoever sent it owns these fields all the same. */
type Leftovers = Pick<Walk, 'dropped' | 'empties'>;

type Place = Walk['dropped'][number];

const leftovers = new WeakMap<object, Leftovers>();

/** `walked` is what the walk gave, of which `object` is a copy at the top. */
export function noteLeftovers(object: object, walked: object, { dropped, empties }: Walk): void {
  if (dropped.length === 0 && empties.length === 0) return;
  const moved = (place: Place): Place => (place[0] === walked ? [object as Place[0], place[1]] : place);
  leftovers.set(object, { dropped: dropped.map(moved), empties: empties.map(moved) });
}

/** Takes the fields of features that are off out of a decoded object. */
export function leaveOutDropped(object: object): void {
  for (const [of, key] of leftovers.get(object)?.dropped ?? []) delete of[key];
}

/** Lists that always appear are null when they are empty, in what is stored as protobuf upstream. */
export function nullEmpties(object: object): void {
  for (const [of, key] of leftovers.get(object)?.empties ?? []) {
    const list = of[key];
    if (Array.isArray(list) && list.length === 0) of[key] = null;
  }
}
