import { serviceUnavailable } from '../../api/status.ts';
import { KnarrError } from '../../base/errors.ts';
import type { WriteResult } from '../../store/backend.ts';
import type { Core } from './core.ts';
import { type Kept, storedFromBytes, storedFromDraft } from './stored.ts';
import type { Draft, Place } from './types.ts';

/** What is to be written: an `ordered` draft and its text. */
export interface Writing {
  readonly place: Place;
  readonly draft: Draft;
  readonly text: string;
  /** 0: must not exist; else the revision that is replaced. */
  readonly expected: number;
  /** It may be lost in a crash. */
  readonly heartbeat?: boolean | undefined;
}

/**
 * Writes durably. Undefined: something else stands there; it can be read by the time this resolves.
 * Throws ApiError (503) when the datastore cannot take it.
 */
export async function put(
  core: Core,
  { place, draft, text, expected, heartbeat = false }: Writing,
): Promise<Kept | undefined> {
  const { cache, backend, definition } = core;
  const key = cache.key(place);
  let stored: Kept | undefined;
  let value: Buffer | undefined;
  const result = await attempt(
    backend.write({
      key,
      expected,
      ttlSeconds: definition.ttlSeconds,
      volatile: heartbeat || definition.volatile === 'all' || (definition.volatile === 'updates' && expected > 0),
      value(revision) {
        const made = storedFromDraft({ key, place, revision, fields: cache.fields }, draft, text);
        value = made.bytes;
        if (revision > 0) {
          stored = made;
          cache.expect(key, revision, made);
        }
        return value;
      },
    }),
    () => stored && cache.forget(key, stored.revision),
  );
  if (!result.ok) return undefined;
  // Drivers that learn the revision only afterwards.
  return stored ?? storedFromBytes({ key, place, revision: result.revision, fields: cache.fields }, value as Buffer);
}

/** Deletes durably what stands at `expected`; gives the revision of the deletion, or undefined as `put`. */
export async function remove(core: Core, place: Place, expected: number): Promise<number | undefined> {
  const { cache, backend, definition } = core;
  const key = cache.key(place);
  const writing = backend.write({ key, value: undefined, expected, volatile: definition.volatile === 'all' });
  const result = await attempt(writing, () => {});
  return result.ok ? result.revision : undefined;
}

async function attempt(writing: Promise<WriteResult>, undo: () => void): Promise<WriteResult> {
  try {
    return await writing;
  } catch (error) {
    undo();
    if (error instanceof KnarrError) throw serviceUnavailable(error.message);
    throw error;
  }
}
