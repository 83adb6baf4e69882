import { exactInteger } from '../../base/exact-json.ts';
import { Duration, parseDuration, parseTimestamp, Timestamp } from './time.ts';
import { dynType, type Type } from './types.ts';

/**
 * Values of expressions: int is bigint, double is number, string, bool and null are themselves, bytes is Buffer, list is
 * an array, map (and message) is a Map whose whole-number keys are bigint; these classes are the rest.
 */
export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

export class Optional {
  static readonly none = new Optional(undefined, false);
  readonly #value: unknown;
  readonly hasValue: boolean;
  private constructor(value: unknown, hasValue: boolean) {
    this.#value = value;
    this.hasValue = hasValue;
  }
  static of(value: unknown): Optional {
    return new Optional(value, true);
  }
  get value(): unknown {
    if (!this.hasValue) throw new Error('optional.none() dereference');
    return this.#value;
  }
}

/** What a literal as `Object.spec{…}` gives: a map that knows what it was called. */
export class Message extends Map<string, unknown> {
  readonly messageName: string;
  constructor(messageName: string) {
    super();
    this.messageName = messageName;
  }
}

/** `int`, `type(1)`. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Values of the libraries: they know their type, and what equals them. */
export interface LibraryValue {
  readonly celType: string;
  celEquals(other: unknown): boolean;
  /** What it costs to look at; 1 where it is not said. */
  readonly celSize?: number;
}

export const isLibraryValue = (value: unknown): value is LibraryValue =>
  typeof value === 'object' && value !== null && 'celType' in value;

export type Key = string | bigint | boolean;

/** A value as a key of maps, in which numbers of one amount are one key; undefined: it can be none. */
export function keyOf(value: unknown): Key | undefined {
  if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean') return value;
  if (value instanceof Uint) return value.value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

/** The name of a value's type, as `type()` and messages have it. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
    default:
      break;
  }
  if (value === null || value === undefined) return 'null_type';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'map';
  if (value instanceof Uint) return 'uint';
  if (Buffer.isBuffer(value)) return 'bytes';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof TypeValue) return 'type';
  return isLibraryValue(value) ? value.celType : 'unknown';
}

/** Lists in lists are not looked into: `flatten` is given mixed ones. */
function itemType({ params: [item = dynType] }: Type): Type {
  return item.kind === 'list' ? dynType : item;
}

/** Whether a value can stand where a type is declared; of a list or map the first item tells. */
export function fits(value: unknown, type: Type): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
    case 'error':
      return true;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'uint':
      return value instanceof Uint;
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return Buffer.isBuffer(value);
    case 'null':
      return value === null;
    case 'list':
      return Array.isArray(value) && (value.length === 0 || fits(value[0], itemType(type)));
    case 'map': {
      if (!(value instanceof Map)) return false;
      const [first] = value as Map<unknown, unknown>;
      return !first || (fits(first[0], type.params[0] ?? dynType) && fits(first[1], type.params[1] ?? dynType));
    }
    case 'timestamp':
      return value instanceof Timestamp;
    case 'duration':
      return value instanceof Duration;
    case 'type':
      return value instanceof TypeValue;
    case 'opaque':
    case 'struct':
      if (type.name === 'optional_type') return value instanceof Optional;
      return isLibraryValue(value) ? value.celType === type.name : value instanceof Map;
  }
}

const isNumber = (value: unknown): value is bigint | number | Uint =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;

const amount = (value: bigint | number | Uint): bigint | number => (value instanceof Uint ? value.value : value);

/** -1, 0 or 1; undefined where two values have no order (of different types, or not a number). */
export function order(a: unknown, b: unknown): number | undefined {
  if (isNumber(a) && isNumber(b)) {
    const mixed = typeof a === 'number' || typeof b === 'number';
    const [x, y] = mixed ? [Number(amount(a)), Number(amount(b))] : [amount(a), amount(b)];
    if (x < y) return -1;
    if (x > y) return 1;
    return x === y ? 0 : undefined;
  }
  if (typeof a === 'string' && typeof b === 'string') return byCodePoints(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b);
  const timed = (a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration);
  if (!timed) return undefined;
  const [x, y] = [(a as Timestamp).nanos, (b as Timestamp).nanos];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Go compares bytes, JavaScript units of UTF-16: they differ past the basic plane. */
function byCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  if (!/[\uD800-\uDFFF]/.test(a) && !/[\uD800-\uDFFF]/.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return order(a, b) === 0;
  if (a instanceof KeyedList) return Array.isArray(b) && equalUnordered(a, b);
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    for (const [key, item] of a) if (!b.has(key) || !equal(item, b.get(key))) return false;
    return true;
  }
  if (a instanceof Optional && b instanceof Optional) {
    return a.hasValue === b.hasValue && (!a.hasValue || equal(a.value, b.value));
  }
  if (a instanceof TypeValue && b instanceof TypeValue) return a.name === b.name;
  if (isLibraryValue(a)) return isLibraryValue(b) && a.celType === b.celType && a.celEquals(b);
  return order(a, b) === 0;
}

/** How much of a value there is, for what it costs to go over it. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return /[\uD800-\uDFFF]/.test(value) ? [...value].length : value.length;
  if (Array.isArray(value) || Buffer.isBuffer(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (value instanceof Optional) return value.hasValue ? sizeOf(value.value) : 1;
  return isLibraryValue(value) ? (value.celSize ?? 1) : 1;
}

/** A list whose order does not count: a set, or a map by keys of its items. */
export class KeyedList extends Array<unknown> {
  /** Of a map; undefined: a set. */
  mapKeys: readonly string[] | undefined;
  static make(items: readonly unknown[], keys: readonly string[] | undefined): KeyedList {
    const list = new KeyedList();
    for (const item of items) list.push(item);
    list.mapKeys = keys;
    return list;
  }
  /** What is derived from one is a list like any other. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
  /** Whether two items are at one place. */
  samePlace(a: unknown, b: unknown): boolean {
    if (!this.mapKeys) return equal(a, b);
    return a instanceof Map && b instanceof Map && this.mapKeys.every((key) => equal(a.get(key), b.get(key)));
  }
  /** With those of another list in the places that they share, and the rest of these at the end. */
  merged(other: readonly unknown[]): KeyedList {
    const taken = this.map((item) => other.find((o) => this.samePlace(item, o)) ?? item);
    const added = other.filter((o) => !this.some((item) => this.samePlace(item, o)));
    return KeyedList.make([...taken, ...added], this.mapKeys);
  }
}

function equalUnordered(a: KeyedList, b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item) => b.some((other) => equal(item, other)));
}

/** What of a JSON schema says how CEL sees a value. */
export interface ValueSchema {
  readonly type?: string | undefined;
  readonly format?: string | undefined;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
  readonly items?: unknown;
  readonly additionalProperties?: unknown;
  readonly 'x-kubernetes-list-type'?: string | undefined;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[] | undefined;
}

export const reservedWords: ReadonlySet<string> = new Set(
  ['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import'].concat(
    ['let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'],
  ),
);

const escapes: Readonly<Record<string, string>> = {
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** A property's name as expressions spell it; undefined when they cannot. Upstream: `cel.Escape`. */
export function escapedName(name: string): string | undefined {
  if (reservedWords.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replaceAll(/__|[./-]/g, (found) => escapes[found] ?? '__underscores__');
}

/** The property that an escaped name stands for. */
export const unescapedName = (name: string): string =>
  name
    .replaceAll('__dot__', '.')
    .replaceAll('__dash__', '-')
    .replaceAll('__slash__', '/')
    .replaceAll('__underscores__', '__')
    .replace(/^__([a-z]+)__$/, (whole, word: string) => (reservedWords.has(word) ? word : whole));

const isSchema = (value: unknown): value is ValueSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * JSON data as CEL has it: whole numbers are int64 (unless the schema says number), objects are maps, and properties of
 * a schema go by their escaped names. The data itself is left alone.
 */
export function celValue(value: unknown, schema?: unknown): unknown {
  const by = isSchema(schema) ? schema : undefined;
  if (typeof value === 'number') return Number.isInteger(value) && by?.type !== 'number' ? BigInt(value) : value;
  if (typeof value === 'bigint') return by?.type === 'number' ? Number(value) : value;
  if (typeof value === 'string') return by?.format === undefined ? value : formatted(value, by.format);
  if (Array.isArray(value)) {
    const list = value.map((item) => celValue(item, by?.items));
    const kind = by?.['x-kubernetes-list-type'];
    if (kind !== 'set' && kind !== 'map') return list;
    return KeyedList.make(
      list,
      kind === 'map' ? by?.['x-kubernetes-list-map-keys']?.map((k) => escapedName(k) ?? k) : undefined,
    );
  }
  if (typeof value === 'object' && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return value;
    const result = new Map<string, unknown>();
    for (const [key, item] of Object.entries(value)) {
      // Of an object with properties, one that is null is as one that is not there.
      if (item === null && by?.properties !== undefined) continue;
      const property = by?.properties?.[key];
      const name = property === undefined ? key : (escapedName(key) ?? key);
      if (item !== undefined) result.set(name, celValue(item, property ?? by?.additionalProperties));
    }
    return result;
  }
  return value === undefined ? null : value;
}

function formatted(text: string, format: string): unknown {
  switch (format) {
    case 'date-time':
      return parseTimestamp(text) ?? text;
    case 'date':
      return parseTimestamp(`${text}T00:00:00Z`) ?? text;
    case 'duration':
      return parseDuration(text) ?? text;
    case 'byte':
      return Buffer.from(text, 'base64');
    default:
      return text;
  }
}

/** What an expression gave, as JSON data. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return exactInteger(value);
  if (value instanceof Uint) return exactInteger(value.value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), jsonOf(item)]));
  if (value instanceof Optional) return value.hasValue ? jsonOf(value.value) : null;
  if (value instanceof Timestamp || value instanceof Duration || isLibraryValue(value)) return String(value);
  return value;
}
