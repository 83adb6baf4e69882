import { Duration, Timestamp } from '../time.ts';
import { runtimeText, type Type } from '../types.ts';
import { TypeValue, typeName, Uint } from '../values.ts';

const problem = (why: string): Error => new Error(`error during formatting: ${why}`);

/** A value in a text, as `%s` has it; `inner`: within a list or map, where texts are quoted. */
function shown(value: unknown, inner = false): string {
  if (typeof value === 'string') return inner ? JSON.stringify(value) : value;
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : infinite(value, inner);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (Buffer.isBuffer(value)) return inner ? `b${JSON.stringify(value.toString())}` : value.toString();
  if (value instanceof Timestamp) return inner ? `timestamp(${JSON.stringify(String(value))})` : String(value);
  if (value instanceof Duration) return inner ? `duration(${JSON.stringify(String(value))})` : String(value);
  if (value instanceof TypeValue) return value.name;
  if (Array.isArray(value)) return `[${value.map((item) => shown(item, true)).join(', ')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [shown(key, true), shown(item, true)] as const);
    return `{${entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}:${item}`)
      .join(', ')}}`;
  }
  throw problem(`no formatting function for ${typeName(value)}`);
}

function infinite(value: number, inner: boolean): string {
  const text = Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  return inner ? `double(${JSON.stringify(text)})` : text;
}

const wholeOf = (value: unknown): bigint | undefined =>
  typeof value === 'bigint' ? value : value instanceof Uint ? value.value : undefined;

function integer(value: unknown, clause: string): string {
  const whole = wholeOf(value);
  if (whole !== undefined) return String(whole);
  if (typeof value === 'number' && !Number.isFinite(value)) return infinite(value, false);
  throw problem(`${clause} clause can only be used on integers, was given ${typeName(value)}`);
}

function radix(value: unknown, verb: string): string {
  const whole = wholeOf(value);
  if (verb === 'b' && typeof value === 'boolean') return value ? '1' : '0';
  if (whole !== undefined) {
    const text = whole.toString(verb === 'b' ? 2 : verb === 'o' ? 8 : 16);
    return verb === 'X' ? text.toUpperCase() : text;
  }
  if (verb === 'x' || verb === 'X') {
    if (typeof value === 'string' || Buffer.isBuffer(value)) {
      const text = Buffer.from(value as string).toString('hex');
      return verb === 'X' ? text.toUpperCase() : text;
    }
    throw problem(`only integers, byte buffers, and strings can be formatted as hex, was given ${typeName(value)}`);
  }
  const what =
    verb === 'b' ? 'only integers and bools can be formatted as binary' : 'octal clause can only be used on integers';
  throw problem(`${what}, was given ${typeName(value)}`);
}

function fixed(value: unknown, digits: number, scientific: boolean): string {
  const whole = wholeOf(value);
  const number = whole === undefined ? value : Number(whole);
  const clause = scientific ? 'scientific' : 'fixed-point';
  if (typeof number !== 'number')
    throw problem(`${clause} clause can only be used on doubles, was given ${typeName(value)}`);
  if (!Number.isFinite(number)) return infinite(number, false);
  if (!scientific) return number.toFixed(digits);
  return number.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2');
}

const clause = /%(%|(?:\.(\d+))?([a-zA-Z]?))/g;

/** The verbs of a format, in their order. Throws for one that is unknown. */
export function clausesOf(text: string): string[] {
  const verbs: string[] = [];
  for (const [, rest, , verb = ''] of text.matchAll(clause)) {
    if (rest === '%') continue;
    if (verb === '' || !'sdfexXbo'.includes(verb))
      throw new Error(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
    verbs.push(verb);
  }
  return verbs;
}

const integers = ['int', 'uint'];
const clauses: Readonly<Record<string, readonly [kinds: readonly string[], said: string]>> = {
  d: [integers, 'decimal clause can only be used on integers'],
  f: [['double', 'string'], 'fixed-point clause can only be used on doubles'],
  e: [['double', 'string'], 'scientific clause can only be used on doubles'],
  b: [[...integers, 'bool'], 'only integers and bools can be formatted as binary'],
  o: [integers, 'octal clause can only be used on integers'],
  x: [[...integers, 'string', 'bytes'], 'only integers, byte buffers, and strings can be formatted as hex'],
  s: [
    ['bool', 'bytes', 'double', 'duration', 'int', 'list', 'map', 'null', 'string', 'timestamp', 'type', 'uint'],
    'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  ],
};

/** What is wrong with a type for a verb; undefined when nothing is. */
export function clauseProblem(verb: string, type: Type): string | undefined {
  const [kinds, said] = clauses[verb.toLowerCase()] ?? [[], ''];
  return kinds.includes(type.kind) ? undefined : `error during formatting: ${said}, was given ${runtimeText(type)}`;
}

/** The `format` of cel-go's strings library. */
export function formatText(text: string, values: readonly unknown[]): string {
  let next = 0;
  const result = text.replaceAll(/%(%|(?:\.(\d+))?([a-zA-Z]?))/g, (_whole, rest: string, digits = '6', verb = '') => {
    if (rest === '%') return '%';
    if (!'sdfexXbo'.includes(verb as string) || verb === '')
      throw new Error(`could not parse formatting clause: unrecognized formatting clause "${verb as string}"`);
    if (next >= values.length) throw new Error(`index ${next} out of range`);
    const value = values[next++];
    switch (verb) {
      case 's':
        return shown(value);
      case 'd':
        return integer(value, 'decimal');
      case 'f':
      case 'e':
        return fixed(value, Number(digits), verb === 'e');
      default:
        return radix(value, verb as string);
    }
  });
  if (next < values.length)
    throw new Error(`too many arguments supplied to string.format (expected ${next}, got ${values.length})`);
  return result;
}
