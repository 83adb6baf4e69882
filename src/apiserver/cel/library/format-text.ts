import { Duration, Timestamp } from '../time.ts';
import type { Type } from '../types.ts';
import { TypeValue, typeName, Uint } from '../values.ts';
import { doubleText, fixedText, quotedText, scientificText, textOfBytes } from './texts.ts';

const problem = (why: string): Error => new Error(`error during formatting: ${why}`);

const stringClause =
  'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps';

function bytesText(value: Buffer): string {
  const text = textOfBytes(value);
  if (text !== undefined) return text;
  const why = 'invalid UTF-8 in bytes, cannot convert to string';
  throw problem(`could not convert argument "${why}" to string`);
}

/** A value in a text, as `%s` has it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return doubleText(value);
  if (Buffer.isBuffer(value)) return bytesText(value);
  if (value instanceof Timestamp || value instanceof Duration) return String(value);
  if (Array.isArray(value)) return `[${value.map(shownWithin).join(', ')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [shownWithin(key), shownWithin(item)] as const);
    return `{${entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}:${item}`)
      .join(', ')}}`;
  }
  return simple(value) ?? refuse(`${stringClause}, was given ${typeName(value)}`);
}

function refuse(why: string): never {
  throw problem(why);
}

/** What is shown alike wherever it stands. */
function simple(value: unknown): string | undefined {
  if (value === null) return 'null';
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Uint) return String(value.value);
  return value instanceof TypeValue ? value.name : undefined;
}

/** The same within a list or map, in which it looks as in an expression. */
function shownWithin(value: unknown): string {
  if (typeof value === 'string') return quotedText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? fixedText(value, 6) : `"${doubleText(value)}"`;
  if (Buffer.isBuffer(value)) return `b${quotedText(bytesText(value))}`;
  if (value instanceof Timestamp) return `timestamp("${value}")`;
  if (value instanceof Duration) return `duration("${value}")`;
  if (Array.isArray(value) || value instanceof Map) return shown(value);
  return simple(value) ?? refuse(`no formatting function for ${typeName(value)}`);
}

const wholeOf = (value: unknown): bigint | undefined =>
  typeof value === 'bigint' ? value : value instanceof Uint ? value.value : undefined;

function radix(value: unknown, verb: string): string | undefined {
  const whole = wholeOf(value);
  if (verb === 'b' && typeof value === 'boolean') return value ? '1' : '0';
  let text: string | undefined;
  if (whole !== undefined) text = whole.toString(verb === 'b' ? 2 : verb === 'o' ? 8 : 16);
  else if (verb.toLowerCase() === 'x' && (typeof value === 'string' || Buffer.isBuffer(value)))
    text = Buffer.from(value as string).toString('hex');
  return verb === 'X' ? text?.toUpperCase() : text;
}

const named: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity };

/** A double, grouped as in English; what is not finite may also be given by its name. */
function fractional(value: unknown, verb: string, digits: number): string | undefined {
  const number = typeof value === 'string' && Object.hasOwn(named, value) ? named[value] : value;
  if (typeof number !== 'number') return undefined;
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '-∞';
  if (verb === 'e') return scientificText(number);
  const [whole = '', fraction] = fixedText(number, digits).split('.');
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

const integers = ['int', 'uint'];

/** By their verbs: the kinds that may stand for them as far as types say, and what is said of others. */
const clauses: Readonly<Record<string, readonly [kinds: readonly string[], said: string]>> = {
  d: [integers, 'decimal clause can only be used on integers'],
  f: [['double', 'string'], 'fixed-point clause can only be used on doubles'],
  e: [['double', 'string'], 'scientific clause can only be used on doubles'],
  b: [[...integers, 'bool'], 'only integers and bools can be formatted as binary'],
  o: [integers, 'octal clause can only be used on integers'],
  x: [[...integers, 'string', 'bytes'], 'only integers, byte buffers, and strings can be formatted as hex'],
  s: [
    ['bool', 'bytes', 'double', 'duration', 'int', 'list', 'map', 'null', 'string', 'timestamp', 'type', 'uint'],
    stringClause,
  ],
};

/** Whether a value of a type, by its name at run time, cannot be formatted: what is said of it. */
export function clauseProblem(verb: string, { kind }: Type, shownType: string): string | undefined {
  const [kinds, said] = clauses[verb.toLowerCase()] ?? [[], ''];
  return kinds.includes(kind) ? undefined : problem(`${said}, was given ${shownType}`).message;
}

function formatted(value: unknown, verb: string, digits: number): string {
  if (verb === 's') return shown(value);
  const text =
    verb === 'd'
      ? wholeOf(value)?.toString()
      : verb === 'f' || verb === 'e'
        ? fractional(value, verb, digits)
        : radix(value, verb);
  return text ?? refuse(`${clauses[verb.toLowerCase()]?.[1]}, was given ${typeName(value)}`);
}

const mostDigits = 1000;
const clause = /%%|%(\.\d*)?([\s\S]?)/gu;

function unparsed(why: string): never {
  throw new Error(`could not parse formatting clause: ${why}`);
}

/** Gives each clause of a format to `each`, with its place among them. Throws for one that cannot be read. */
export function overClauses(
  format: string,
  count: number,
  each: (verb: string, index: number, digits: number) => string,
): { text: string; used: number } {
  let used = 0;
  const text = format.replaceAll(clause, (whole, precision: string | undefined, verb = '') => {
    if (whole === '%%') return '%';
    if (whole === '%') throw new Error('unexpected end of string');
    if (used >= count) throw new Error(`index ${used} out of range`);
    const parsing = 'error while parsing precision: ';
    if (precision !== undefined && verb === '') unparsed(`${parsing}could not find end of precision specifier`);
    if (precision === '.') {
      unparsed(`${parsing}error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax`);
    }
    // Upstream reads bytes and shows the first of them.
    const byte = Buffer.from(verb as string)[0] ?? 0;
    if (!'sdfexXbo'.includes(verb as string)) {
      unparsed(`unrecognized formatting clause "${String.fromCodePoint(byte)}"`);
    }
    const digits = precision === undefined ? 6 : Math.min(Number(precision.slice(1)), mostDigits);
    return each(verb as string, used++, digits);
  });
  return { text, used };
}

/** The `format` of cel-go's strings library, of its second version. */
export const formatText = (text: string, values: readonly unknown[]): string =>
  overClauses(text, values.length, (verb, index, digits) => formatted(values[index], verb, digits)).text;
