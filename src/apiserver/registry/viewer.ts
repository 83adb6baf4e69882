import { parseExact } from '../../base/exact-json.ts';
import type { View } from './core.ts';
import type { KeptList } from './list.ts';
import type { Refresher } from './refresh.ts';
import type { Kept } from './stored.ts';
import type { Draft, ListResult, Maybe, Stored, WatchEvent, WatchSink } from './types.ts';
import { eventOf, plainStored } from './watch-events.ts';

/** Shows what is stored in the version of a view; for the stored version itself everything passes untouched. */
export interface Viewer {
  show(stored: Kept): Maybe<Stored>;
  showList(list: Maybe<KeptList>): Maybe<ListResult>;
  showEvents(sink: WatchSink): WatchSink;
}

const untouched: Viewer = {
  show: (stored) => stored,
  showList: (list) => list,
  showEvents: (sink) => sink,
};

export function createViewer(view: View, refresh: Refresher | undefined): Viewer {
  if (!view.converts && !refresh) return untouched;
  const shown = new WeakMap<Stored, Maybe<Stored>>();
  const show = (stored: Stored): Maybe<Stored> => {
    if (!refresh || stored.key === '') return convert(stored);
    const fresh = refresh(stored as Kept);
    return fresh instanceof Promise ? fresh.then(convert) : convert(fresh);
  };
  const convert = (stored: Stored): Maybe<Stored> => {
    if (!view.converts) return stored;
    const known = shown.get(stored);
    if (known) return known;
    const draft = parseExact(stored.bytes.toString()) as Draft;
    const place = ({ kind, apiVersion, ...rest }: Draft): Stored => ({
      ...plainStored({ kind, apiVersion, ...rest }, stored.revision),
      key: stored.key,
      namespace: stored.namespace,
      name: stored.name,
    });
    const object = view.toView(draft);
    const result = object instanceof Promise ? object.then(place) : place(object);
    shown.set(stored, result);
    return result;
  };
  return {
    show,
    showList(list) {
      const showAll = ({ items, ...rest }: KeptList): Maybe<ListResult> => {
        const all = items.map(show);
        if (!all.some((item) => item instanceof Promise)) return { ...rest, items: all as Stored[] };
        return Promise.all(all).then((done) => ({ ...rest, items: done }));
      };
      return list instanceof Promise ? list.then(showAll) : showAll(list);
    },
    showEvents(sink) {
      // Conversions may take time, and events keep their order.
      let before: Promise<void> | undefined;
      const event = (from: WatchEvent, stored: Stored): WatchEvent => eventOf(from.type, stored, from.revision);
      return {
        onClose: () => sink.onClose(),
        onEvents(events) {
          const all = events.map((e) => show(e.stored));
          const give = (done: Stored[]): void => sink.onEvents(events.map((e, i) => event(e, done[i] as Stored)));
          if (!before && !all.some((item) => item instanceof Promise)) return give(all as Stored[]);
          const turn = (before ?? Promise.resolve())
            .then(() => Promise.all(all))
            .then(give, () => sink.onClose())
            .finally(() => {
              if (before === turn) before = undefined;
            });
          before = turn;
        },
      };
    },
  };
}
