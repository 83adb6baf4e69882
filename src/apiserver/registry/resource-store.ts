import { ApiError, conflict, forbidden, isApiError, notFound } from '../../api/status.ts';
import { parseExact } from '../../base/exact-json.ts';
import { type Core, contextWith, type View } from './core.ts';
import { createObject } from './create.ts';
import { checkDeleteOptions, deleteObject } from './delete.ts';
import { lateSelection, selectEvents } from './late-selection.ts';
import { listObjects } from './list.ts';
import { newest } from './newest.ts';
import { patchObject } from './patch.ts';
import { createSubresource, patchedProjection, projectionOf, readProjection, writeProjection } from './subresource.ts';
import type {
  DeleteOptions,
  DeleteOutcome,
  Draft,
  ListOptions,
  ListResult,
  Maybe,
  Place,
  RequestContext,
  ResourceStore,
  Stored,
  Watch,
  WatchOptions,
  WatchSink,
  WriteOptions,
} from './types.ts';
import { otherUid, updateObject } from './update.ts';
import { reached, revisionOf } from './versions.ts';
import { createViewer } from './viewer.ts';
import { watchObjects } from './watch.ts';

const deletionsAtOnce = 64;

const none: readonly Stored[] = [];

/** Anything that could be wrong, or asks for another time than now. Every write looks through what is mostly empty. */
const isSelective = (options: ListOptions): boolean =>
  options.continue !== undefined ||
  options.resourceVersion !== undefined ||
  options.resourceVersionMatch !== undefined ||
  options.sendInitialEvents !== undefined ||
  options.fieldSelector !== undefined ||
  options.labelSelector !== undefined;

/** One resource in one version. */
export function createResourceStore(core: Core, view: View): ResourceStore {
  const { definition, cache, hub } = core;
  const viewer = createViewer(view, core.refresh);

  const placed = ({ namespace, name }: Place): Place => ({ namespace: definition.namespaced ? namespace : '', name });
  const read = (place: Place, subresource: string | undefined): Maybe<Stored> => {
    const stored = cache.get(cache.key(placed(place)));
    if (!stored) throw notFound(definition, place.name);
    const projection = projectionOf(core, subresource);
    if (!projection) return viewer.show(stored);
    const fresh = core.refresh?.(stored) ?? stored;
    return fresh instanceof Promise
      ? fresh.then((parent) => readProjection(projection, parent))
      : readProjection(projection, fresh);
  };
  const list = (options: ListOptions): Maybe<ListResult> => {
    if (cache.size === 0 && !isSelective(options)) return { items: none, resourceVersion: String(hub.revision()) };
    const { early, late } = lateSelection(definition, view.version, options);
    if (!late) return viewer.showList(listObjects(core, options));
    const select = (all: ListResult): ListResult => ({
      resourceVersion: all.resourceVersion,
      items: all.items.filter((item) => late.matches(item.object)),
    });
    // Pages would have to be cut after the selection: everything is given at once.
    const all = viewer.showList(listObjects(core, { ...early, limit: undefined }));
    return all instanceof Promise ? all.then(select) : select(all);
  };
  const watch = (options: WatchOptions, sink: WatchSink): Maybe<Watch> => {
    const { early, late } = lateSelection(definition, view.version, options);
    if (!late) return watchObjects(core, options, viewer.showEvents(sink));
    const start = (there: readonly Stored[]): Maybe<Watch> =>
      watchObjects(core, early, viewer.showEvents(selectEvents(late, sink, there)));
    const { namespace, labelSelector, fieldSelector, resourceVersion } = early;
    // What matched where the watch begins: what it ceases to match is told.
    if (early.sendInitialEvents ?? (!resourceVersion || resourceVersion === '0')) return start([]);
    const from = resourceVersion && resourceVersion !== '0' ? { resourceVersion, resourceVersionMatch: 'Exact' } : {};
    const there = viewer.showList(listObjects(core, { namespace, labelSelector, fieldSelector, ...from }));
    return there instanceof Promise ? there.then(({ items }) => start(items)) : start(there.items);
  };

  return {
    definition,
    version: view.version,
    get(place, options) {
      const revision = revisionOf(options?.resourceVersion);
      if (revision === undefined || revision <= hub.revision()) return read(place, options?.subresource);
      return reached(hub, revision).then(() => read(place, options?.subresource));
    },
    list,
    watch,

    async create(given, object) {
      const options = { ...given, place: placed(given.place) };
      if (options.subresource) return createSubresource(core, view, options, object);
      return { stored: await viewer.show(await createObject(core, view, options, object)), created: true };
    },

    async update(given, object) {
      const options = { ...given, place: placed(given.place) };
      const projection = projectionOf(core, options.subresource);
      if (projection) return writeProjection(core, view, options, projection, 'put', () => object);
      const exists = (): boolean => newest(core, cache.key(options.place)) !== undefined;
      if (definition.strategy.createOnUpdate && !options.subresource && !exists()) {
        const { uid } = object.metadata;
        if (uid) throw otherUid(definition, options.place, uid, '');
        return { stored: await viewer.show(await createObject(core, view, options, object)), created: true };
      }
      return { stored: await viewer.show(await replace(core, view, options, object)), created: false };
    },

    async patch(given, patch) {
      const options = { ...given, place: placed(given.place) };
      const projection = projectionOf(core, options.subresource);
      if (projection)
        return writeProjection(core, view, options, projection, patch.type, patchedProjection(patch, options));
      const { stored, created } = await patchObject(core, view, options, patch);
      return { stored: await viewer.show(stored as Parameters<typeof viewer.show>[0]), created };
    },

    async modify(given, change) {
      const options = { ...given, place: placed(given.place) };
      const stored = await updateObject(core, view, options, {
        tracking: true,
        admitting: false,
        async make(existing) {
          return change(view.converts ? await view.toView(existing.draft()) : existing.draft());
        },
      });
      return viewer.show(stored);
    },

    async delete(given, deletion) {
      const options = { ...given, place: placed(given.place) };
      const { definition } = core;
      const why = definition.strategy.deletionForbidden?.(options.place.name);
      if (why !== undefined) throw forbidden(definition, options.place.name, why);
      const outcome = await deleteObject(core, view, options, deletion);
      return { ...outcome, stored: await viewer.show(outcome.stored as Parameters<typeof viewer.show>[0]) };
    },

    async deleteCollection({ context }, options, deletion) {
      checkDeleteOptions(deletion);
      for (const text of definition.strategy.deletionWarnings?.(deletion) ?? []) context.warn(text);
      const quiet = contextWith(context, { warn() {} });
      const found = await list(options);
      for (let i = 0; i < found.items.length; i += deletionsAtOnce) {
        const some = found.items.slice(i, i + deletionsAtOnce);
        await Promise.all(some.map((item) => deleteIfThere(core, view, quiet, item, deletion)));
      }
      return found;
    },
  };
}

/** PUT. A request without a resourceVersion may be tried again, so it keeps a copy of what was asked for. */
async function replace(core: Core, view: View, options: WriteOptions, object: Draft) {
  view.version.schema.applyDefaults(object);
  const conditional = Boolean(object.metadata?.resourceVersion);
  const pristine = conditional ? undefined : JSON.stringify(object);
  let first = true;
  return updateObject(core, view, options, {
    tracking: true,
    admitting: true,
    make() {
      if (first) {
        first = false;
        return object;
      }
      if (pristine === undefined) throw conflict(core.definition, options.place.name, changedMeanwhile);
      return parseExact(pristine) as Draft;
    },
  });
}

const changedMeanwhile = 'the object has been modified; please apply your changes to the latest version and try again';

async function deleteIfThere(
  core: Core,
  view: View,
  context: RequestContext,
  place: Place,
  deletion: DeleteOptions,
): Promise<DeleteOutcome | undefined> {
  try {
    return await deleteObject(
      core,
      view,
      { context, place: { namespace: place.namespace, name: place.name }, nameless: true },
      { ...deletion },
    );
  } catch (error) {
    if (error instanceof ApiError && isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}
