import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { invalid } from '../../api/status.ts';
import type { ListOptions, WatchOptions } from './types.ts';

const quoted = (texts: readonly string[]): string => texts.map((text) => JSON.stringify(text)).join(', ');

const forbidden = (why: string, field = 'resourceVersionMatch'): StatusCause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
  field,
});

const unsupported = (match: string, known: readonly string[]): StatusCause => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${quoted(known)}`,
  field: 'resourceVersionMatch',
});

const withContinue = 'resourceVersionMatch is forbidden when continue is provided';

function listProblems(options: ListOptions): StatusCause[] {
  const { resourceVersionMatch: match, resourceVersion, continue: token } = options;
  if (!match) return [];
  return [
    ...(resourceVersion ? [] : [forbidden('resourceVersionMatch is forbidden unless resourceVersion is provided')]),
    ...(token ? [forbidden(withContinue)] : []),
    ...(match === 'Exact' || match === 'NotOlderThan' ? [] : [unsupported(match, ['Exact', 'NotOlderThan', ''])]),
    ...(match === 'Exact' && resourceVersion === '0'
      ? [forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')]
      : []),
  ];
}

function watchProblems({
  resourceVersionMatch: match,
  sendInitialEvents,
  continue: token,
}: WatchOptions): StatusCause[] {
  const isInitial = sendInitialEvents !== undefined;
  const isKnown = match === 'NotOlderThan';
  return [
    ...(isInitial && !isKnown
      ? [forbidden('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')]
      : []),
    ...(match && !isInitial
      ? [forbidden('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')]
      : []),
    ...(match && !isKnown ? [unsupported(match, ['NotOlderThan'])] : []),
    ...(match && token ? [forbidden(withContinue)] : []),
  ];
}

function refuse(causes: StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
}

/** Throws ApiError with all that contradicts itself in what is asked of a list. */
export function checkListOptions(options: ListOptions): void {
  const initial =
    options.sendInitialEvents === undefined
      ? []
      : [forbidden('sendInitialEvents is forbidden for list', 'sendInitialEvents')];
  refuse([...listProblems(options), ...initial]);
}

/**
 * The options of a watch with what they leave open: who begins nowhere, or anywhere, is told what is there. Throws
 * ApiError with all that contradicts itself.
 */
export function completeWatchOptions(options: WatchOptions): WatchOptions {
  const { sendInitialEvents, resourceVersionMatch, resourceVersion } = options;
  const isOpen = sendInitialEvents === undefined && !resourceVersionMatch;
  const complete: WatchOptions =
    isOpen && (!resourceVersion || resourceVersion === '0')
      ? { ...options, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
      : options;
  refuse(watchProblems(complete));
  return complete;
}
