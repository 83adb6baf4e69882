import { ApiError, badRequest } from '../../api/status.ts';
import { KnarrError } from '../../base/errors.ts';
import type { Backend } from '../../store/backend.ts';
import type { Cache } from './cache.ts';
import type { Hub } from './hub.ts';
import { placeOfKey } from './keys.ts';
import { checkListOptions } from './list-options.ts';
import { type Selection, selectionOf } from './selection.ts';
import { type Kept, storedFromBytes } from './stored.ts';
import type { ListOptions, Maybe, ResourceDefinition } from './types.ts';
import { continueToken, listFreshness, parseContinue, reached } from './versions.ts';

export interface KeptList {
  readonly items: readonly Kept[];
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

export interface Reading {
  readonly definition: ResourceDefinition;
  readonly cache: Cache;
  readonly hub: Hub;
  readonly backend: Backend;
}

/** A list with all semantics of limit, continue, resourceVersion and resourceVersionMatch. Throws ApiError. */
export function listObjects(reading: Reading, options: ListOptions): Maybe<KeptList> {
  const { hub, cache } = reading;
  const selection = selectionOf(reading.definition, options);
  if (options.continue) return continued(reading, selection, options, options.continue);
  const freshness = listFreshness(options);
  switch (freshness.at) {
    case 'newest':
      cache.counts.newestLists++;
      return page(reading, selection, now(reading, selection), options.limit, hub.revision());
    case 'any':
      return page(reading, selection, now(reading, selection), undefined, hub.revision());
    case 'least': {
      const answer = (): KeptList => page(reading, selection, now(reading, selection), options.limit, hub.revision());
      return freshness.revision <= hub.revision() ? answer() : reached(hub, freshness.revision).then(answer);
    }
    case 'exactly':
      return exactly(reading, selection, freshness.revision, cache.prefix, options.limit);
  }
}

const none: readonly Kept[] = [];

function now({ cache }: Reading, { namespace, name }: Selection): Iterable<Kept> {
  if (cache.size === 0) return none;
  if (name === undefined || (namespace === '' && cache.get(cache.key({ namespace, name })) === undefined)) {
    return cache.range(namespace);
  }
  const stored = cache.get(cache.key({ namespace, name }));
  return stored ? [stored] : [];
}

function continued(reading: Reading, selection: Selection, options: ListOptions, token: string): Maybe<KeptList> {
  checkListOptions(options);
  if (options.resourceVersion && options.resourceVersion !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  const { revision, start } = parseContinue(token);
  const { cache, hub } = reading;
  const startKey = `${cache.prefix}${selection.namespace === '' ? '' : `${selection.namespace}/`}${start}`;
  if (revision === -1) {
    return page(reading, selection, cache.range(selection.namespace, startKey), options.limit, hub.revision());
  }
  return exactly(reading, selection, revision, startKey, options.limit).catch((error: unknown) => {
    throw error instanceof ApiError && error.code === 410 ? expiredToken(start) : error;
  });
}

async function exactly(
  reading: Reading,
  selection: Selection,
  revision: number,
  start: string,
  limit: number | undefined,
): Promise<KeptList> {
  const { cache, hub } = reading;
  if (revision > hub.revision()) await reached(hub, revision);
  if (revision < hub.oldest()) throw expired(notSnapshot);
  const from =
    start > cache.prefix ? start : `${cache.prefix}${selection.namespace === '' ? '' : `${selection.namespace}/`}`;
  const known = cache.rangeAt(revision, selection.namespace, from);
  return page(reading, selection, known ?? (await stored(reading, selection, revision, from)), limit, revision);
}

/** From the backend, where the cache does not reach back far enough. */
async function stored(reading: Reading, selection: Selection, revision: number, start: string): Promise<Kept[]> {
  const { backend, cache, definition } = reading;
  const prefix = `${cache.prefix}${selection.namespace === '' ? '' : `${selection.namespace}/`}`;
  try {
    const { entries } = await backend.list({ prefix, start, revision });
    return entries.map(({ key, value, modRevision }) => {
      const place = placeOfKey(key, cache.prefix, definition.namespaced);
      return storedFromBytes({ key, place, revision: modRevision, fields: cache.fields }, value);
    });
  } catch (error) {
    if (error instanceof KnarrError && error.code === 'compacted') throw expired(notSnapshot);
    throw error;
  }
}

function page(
  { cache }: Reading,
  selection: Selection,
  candidates: Iterable<Kept>,
  limit: number | undefined,
  revision: number,
): KeptList {
  const { matches } = selection;
  const resourceVersion = String(revision);
  if (!limit) {
    const all = [...candidates];
    cache.counts.fetched += all.length;
    return { items: matches ? all.filter(matches) : all, resourceVersion };
  }
  const items: Kept[] = [];
  let remaining = 0;
  for (const candidate of candidates) {
    cache.counts.fetched++;
    if (items.length === limit) {
      remaining++;
      if (matches) break;
    } else if (!matches || matches(candidate)) items.push(candidate);
  }
  const last = items.at(-1);
  if (remaining === 0 || !last) return { items, resourceVersion };
  const base = cache.prefix.length + (selection.namespace === '' ? 0 : selection.namespace.length + 1);
  const token = continueToken({ revision, start: `${last.key.slice(base)}\0` });
  return { items, resourceVersion, continue: token, ...(matches ? {} : { remainingItemCount: remaining }) };
}

const notSnapshot = 'The resourceVersion for the provided list is too old.';

const tokenExpired =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

function expired(message: string, next?: string): ApiError {
  const metadata = next === undefined ? {} : { continue: next };
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata,
    status: 'Failure',
    message,
    reason: 'Expired',
    code: 410,
  });
}

function expiredToken(start: string): ApiError {
  return expired(tokenExpired, continueToken({ revision: -1, start }));
}
