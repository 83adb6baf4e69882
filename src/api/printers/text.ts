import type { Container } from '../gen/core-v1.ts';
import type { LabelSelector } from '../gen/meta-v1.ts';
import type { KubernetesObject } from '../object.ts';
import { labelSelectorText, selectorRequirements } from '../selectors.ts';

/** What a printer needs besides the object. */
export interface Clock {
  readonly now: number;
}

/** The cells of one object, wide ones included, in the order of the columns. */
export type Printer = (object: never, clock: Clock) => unknown[];

export const none = '<none>';
export const unset = '<unset>';
export const unknown = '<unknown>';

/** `5m30s`, `3d4h`: two or three significant figures, as upstream's `duration.HumanDuration`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const both = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return both(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return both(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return both(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return days < 365 * 8 ? both(years, 'y', days % 365, 'd') : `${years}y`;
}

/** How long ago a moment was. */
export function since(time: string | null | undefined, clock: Clock): string {
  return time ? humanDuration(clock.now - Date.parse(time)) : unknown;
}

export const age = (object: KubernetesObject, clock: Clock): string => since(object.metadata.creationTimestamp, clock);

export const nameOf = (object: KubernetesObject): string => object.metadata.name ?? '';

export function labelsText(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? none : pairs.sort().join(',');
}

/** A selector as its text; `empty` for one that is absent or selects everything. */
export function selectorText(selector: LabelSelector | undefined, empty = none): string {
  try {
    return labelSelectorText(selectorRequirements(selector) ?? []) || empty;
  } catch {
    return '<error>';
  }
}

/** The containers' names, and their images. */
export function containerCells(containers: readonly Container[] | null | undefined): [string, string] {
  const list = containers ?? [];
  return [list.map((c) => c.name).join(','), list.map((c) => c.image ?? '').join(',')];
}

/** At most `max` items, then how many more there are. */
export function limited(list: readonly string[], max: number, empty: string, separator = ','): string {
  const text = list.slice(0, max).join(separator);
  if (list.length > max) return `${text} + ${list.length - max} more...`;
  return text === '' ? empty : text;
}

const modes: [string, string][] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

export const accessModesText = (given: readonly string[] | undefined): string =>
  modes
    .filter(([mode]) => given?.includes(mode))
    .map(([, short]) => short)
    .join(',');
