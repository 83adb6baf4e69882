import { matchesFields, parseFieldSelector } from '../../api/selectors.ts';
import { badRequest } from '../../api/status.ts';
import { fieldReader } from './fields.ts';
import type { SelectionOptions } from './selection.ts';
import type { Frozen, ResourceDefinition, ResourceVersion, Stored, WatchEvent, WatchSink } from './types.ts';
import { eventOf, plainStored } from './watch-events.ts';

/**
 * Fields of custom resources are selected in the version of the request. Where a webhook converts, that version is
 * known only after what is stored has been shown: so this part of a selector is asked last.
 */
export interface LateSelection {
  matches(object: Frozen): boolean;
}

const ofMetadata = (field: string): boolean => field === 'metadata.name' || field === 'metadata.namespace';

/** Throws ApiError (400) for fields that the version does not offer. Gives the rest of the options for the store. */
export function lateSelection<O extends SelectionOptions>(
  definition: Pick<ResourceDefinition, 'convert'>,
  { selectableFields }: Pick<ResourceVersion, 'selectableFields'>,
  options: O,
): { early: O; late: LateSelection | undefined } {
  if (!selectableFields || !options.fieldSelector) return { early: options, late: undefined };
  const own = parseFieldSelector(options.fieldSelector).filter(({ field }) => !ofMetadata(field));
  for (const { field } of own)
    if (!Object.hasOwn(selectableFields, field)) throw badRequest(`field label not supported: ${field}`);
  if (own.length === 0 || !definition.convert) return { early: options, late: undefined };
  const reader = fieldReader({ selectableFields });
  const rest = options.fieldSelector.split(',').filter((term) => ofMetadata(term.split(/[!=]/)[0]?.trim() ?? ''));
  return {
    early: { ...options, fieldSelector: rest.length > 0 ? rest.join(',') : undefined },
    late: {
      matches(object) {
        const texts = reader.read(object);
        return matchesFields(own, (field) => texts[reader.names.indexOf(field)] ?? '');
      },
    },
  };
}

/** Passes on what matches: what comes to match is ADDED, what ceases to is DELETED as it was. */
export function selectEvents({ matches }: LateSelection, sink: WatchSink, there: readonly Stored[]): WatchSink {
  const matching = new Map(there.filter((s) => matches(s.object)).map((s) => [s.key, s]));
  const select = (event: WatchEvent): WatchEvent | undefined => {
    const { type, stored, revision } = event;
    if (type === 'BOOKMARK' || type === 'ERROR') return event;
    const before = matching.get(stored.key);
    if (type !== 'DELETED' && matches(stored.object)) {
      matching.set(stored.key, stored);
      return eventOf(before ? 'MODIFIED' : 'ADDED', stored, revision);
    }
    if (!before) return undefined;
    matching.delete(stored.key);
    if (type === 'DELETED') return event;
    const metadata = { ...before.object.metadata, resourceVersion: String(revision) };
    const last = { ...plainStored({ ...before.object, metadata }, revision), key: stored.key };
    return eventOf('DELETED', { ...last, namespace: stored.namespace, name: stored.name }, revision);
  };
  return {
    onClose: () => sink.onClose(),
    onEvents(events) {
      const selected = events.map(select).filter((event) => event !== undefined);
      if (selected.length > 0) sink.onEvents(selected);
    },
  };
}
