import { typeName } from './values.ts';

const numbers = ['double', 'int', 'uint'];
const times = ['google.protobuf.Duration', 'google.protobuf.Timestamp'];
const ordered = [...numbers, ...times, 'bool', 'bytes', 'string'];
const sized = ['bytes', 'list', 'map', 'string'];

/** What has a function of the language itself: of others it says its name, of these no more than that it is none. */
const able: Readonly<Record<string, readonly string[]>> = {
  '_+_': [...numbers, ...times, 'bytes', 'list', 'string'],
  '_-_': [...numbers, ...times],
  '_*_': numbers,
  '_/_': numbers,
  '_%_': ['int', 'uint'],
  '_<_': ordered,
  '_<=_': ordered,
  '_>_': ordered,
  '_>=_': ordered,
  size: sized,
  matches: ['string'],
};

const bare: ReadonlySet<string> = new Set(['!_', '-_', '@in', 'contains', 'endsWith', 'startsWith']);

const incomparable = 'list elements must be comparable';
const other: Readonly<Record<string, string>> = { sort: incomparable, '@sortByAssociatedKeys': incomparable };

/** What is said when a function has no form for some values. */
export function noForm(name: string, values: readonly unknown[]): Error {
  const types = values.map(typeName);
  const told = Object.hasOwn(other, name) ? other[name] : undefined;
  if (told !== undefined) return new Error(told);
  const kinds = Object.hasOwn(able, name) ? able[name] : undefined;
  if (bare.has(name) || kinds?.includes(types[0] ?? '')) return new Error('no such overload');
  return new Error(`no such overload: ${name}${kinds ? '' : `(${types.join(', ')})`}`);
}
