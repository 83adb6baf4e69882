import { CostError } from '../cost.ts';
import type { Environment } from '../environment.ts';
import { goPattern } from '../regex.ts';
import { type Duration, parseDuration, parseTimestamp, Timestamp } from '../time.ts';
import { equal, KeyedList, keyOf, order, sizeOf, TypeValue, typeName, Uint } from '../values.ts';
import { doubleText, textOfBytes } from './texts.ts';

function int(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new Error('integer overflow');
  return value;
}

function uint(value: bigint): Uint {
  if (BigInt.asUintN(64, value) !== value) throw new Error('unsigned integer overflow');
  return new Uint(value);
}

function nonZero(value: bigint, what: string): bigint {
  if (value === 0n) throw new Error(`${what} by zero`);
  return value;
}

/** Lists are copied here and strung together upstream, where it costs the same however long they are. */
const longestList = 1_000_000;

function joined(a: unknown[], b: unknown[]): unknown[] {
  if (a.length + b.length > longestList) throw new CostError();
  return a instanceof KeyedList ? a.merged(b) : a.concat(b);
}

type Arithmetic = (a: bigint, b: bigint) => bigint;

const whole: Readonly<Record<string, Arithmetic>> = {
  '_+_': (a, b) => a + b,
  '_-_': (a, b) => a - b,
  '_*_': (a, b) => a * b,
  '_/_': (a, b) => a / nonZero(b, 'division'),
  // Where the division would not fit, neither does what remains.
  '_%_': (a, b) => (b === -1n ? int(-a) * 0n : a % nonZero(b, 'modulus')),
};

const fractional: Readonly<Record<string, (a: number, b: number) => number>> = {
  '_+_': (a, b) => a + b,
  '_-_': (a, b) => a - b,
  '_*_': (a, b) => a * b,
  '_/_': (a, b) => a / b,
};

function addArithmetic(environment: Environment): void {
  for (const [name, run] of Object.entries(whole)) {
    environment
      .registerFunction(`${name}(int, int): int`, (a: bigint, b: bigint) => int(run(a, b)))
      .registerFunction(`${name}(uint, uint): uint`, (a: Uint, b: Uint) => uint(run(a.value, b.value)));
  }
  for (const [name, run] of Object.entries(fractional))
    environment.registerFunction(`${name}(double, double): double`, run);
  environment
    .registerFunction('_+_(string, string): string', (a: string, b: string) => a + b)
    .registerFunction('_+_(bytes, bytes): bytes', (a: Buffer, b: Buffer) => Buffer.concat([a, b]))
    .registerFunction('_+_(list<A>, list<A>): list<A>', joined)
    .registerFunction('-_(int): int', (a: bigint) => int(-a))
    .registerFunction('-_(double): double', (a: number) => -a)
    .registerFunction('!_(bool): bool', (a: boolean) => !a);
}

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '_<_': (o) => o < 0,
  '_<=_': (o) => o <= 0,
  '_>_': (o) => o > 0,
  '_>=_': (o) => o >= 0,
};

const ordered = ['bool', 'string', 'bytes', 'timestamp', 'duration'];
const numbers = ['int', 'uint', 'double'];

function addComparisons(environment: Environment): void {
  for (const [name, holds] of Object.entries(comparisons)) {
    const run = (a: unknown, b: unknown): boolean => {
      const found = order(a, b);
      if (found === undefined) throw new Error('NaN values cannot be ordered');
      return holds(found);
    };
    const pairs = [...numbers.flatMap((a) => numbers.map((b) => [a, b])), ...ordered.map((a) => [a, a])];
    for (const [a, b] of pairs) environment.registerFunction(`${name}(${a}, ${b}): bool`, run);
  }
  environment
    .registerFunction('_==_(A, A): bool', equal)
    .registerFunction('_!=_(A, A): bool', (a: unknown, b: unknown) => !equal(a, b))
    .registerFunction('@in(A, list<A>): bool', (a: unknown, list: unknown[]) => list.some((item) => equal(item, a)))
    .registerFunction('@in(A, map<A, B>): bool', (a: unknown, map: Map<unknown, unknown>) => {
      const key = keyOf(a);
      return key !== undefined && map.has(key);
    });
}

/** The shapes that the interpreter runs by itself; what is declared is for the checker. */
function addShapes(environment: Environment): void {
  const itself = (): never => {
    throw new Error('no such overload');
  };
  environment
    .registerFunction('_?_:_(bool, A, A): A', itself)
    .registerFunction('_&&_(bool, bool): bool', itself)
    .registerFunction('_||_(bool, bool): bool', itself)
    .registerFunction('@not_strictly_false(bool): bool', itself)
    .registerFunction('_[_](list<A>, int): A', itself)
    .registerFunction('_[_](map<A, B>, A): B', itself)
    .registerFunction('cel.@mapInsert(map<K, V>, K, V): map<K, V>', (map: Map<unknown, unknown>, key, value) =>
      inserted(map, key, value),
    )
    .registerFunction('cel.@mapInsert(map<K, V>, map<K, V>): map<K, V>', (map, added: Map<unknown, unknown>) => {
      let result: Map<unknown, unknown> = map;
      for (const [key, value] of added) result = inserted(result, key, value);
      return result;
    });
}

function inserted(map: Map<unknown, unknown>, key: unknown, value: unknown): Map<unknown, unknown> {
  const found = keyOf(key);
  if (found === undefined) throw new Error('unsupported key type');
  if (map.has(found)) throw new Error(`insert failed: key ${String(found)} already exists`);
  return new Map(map).set(found, value);
}

const size = (value: unknown): bigint => BigInt(sizeOf(value));

const unconvertible = (type: string): Error => new Error(`type conversion error from 'string' to '${type}'`);

function parsedInt(text: string): bigint {
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value) throw unconvertible('int');
  return value;
}

function parsedUint(text: string): Uint {
  const value = /^\d+$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || BigInt.asUintN(64, value) !== value) throw unconvertible('uint');
  return new Uint(value);
}

function parsedDouble(text: string): number {
  if (/^[+-]?(\d+(_\d+)*\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text.replaceAll('_', ''));
    if (Number.isFinite(value)) return value;
  }
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  throw unconvertible('double');
}

function intOf(value: number): bigint {
  if (!(Math.abs(value) < 2 ** 63)) throw new Error('integer overflow');
  return BigInt(Math.trunc(value));
}

function uintOf(value: number): Uint {
  if (!(value >= 0 && value < 2 ** 64)) throw new Error('unsigned integer overflow');
  return new Uint(BigInt(Math.trunc(value)));
}

const truths: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true]),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false]),
]);

function parsedBool(text: string): boolean {
  const found = Object.hasOwn(truths, text) ? truths[text] : undefined;
  if (found === undefined) throw unconvertible('bool');
  return found;
}

function textOf(bytes: Buffer): string {
  const text = textOfBytes(bytes);
  if (text === undefined) throw new Error('invalid UTF-8 in bytes, cannot convert to string');
  return text;
}

const same = <T>(value: T): T => value;
const billion = 1_000_000_000n;

function addConversions(environment: Environment): void {
  environment
    .registerFunction('type(A): type<A>', (value: unknown) => new TypeValue(typeName(value)))
    .registerFunction('dyn(A): dyn', same)
    .registerFunction('bool(bool): bool', same)
    .registerFunction('bool(string): bool', parsedBool)
    .registerFunction('bytes(bytes): bytes', same)
    .registerFunction('bytes(string): bytes', (text: string) => Buffer.from(text))
    .registerFunction('double(double): double', same)
    .registerFunction('double(int): double', Number)
    .registerFunction('double(uint): double', (value: Uint) => Number(value.value))
    .registerFunction('double(string): double', parsedDouble)
    .registerFunction('int(int): int', same)
    .registerFunction('int(uint): int', (value: Uint) => int(value.value))
    .registerFunction('int(double): int', intOf)
    .registerFunction('int(string): int', parsedInt)
    .registerFunction(
      'int(timestamp): int',
      ({ nanos }: Timestamp) => nanos / billion - (nanos % billion < 0n ? 1n : 0n),
    )
    .registerFunction('int(duration): int', ({ nanos }: Duration) => nanos)
    .registerFunction('uint(uint): uint', same)
    .registerFunction('uint(int): uint', uint)
    .registerFunction('uint(double): uint', uintOf)
    .registerFunction('uint(string): uint', parsedUint)
    .registerFunction('string(string): string', same)
    .registerFunction('string(bool): string', String)
    .registerFunction('string(int): string', String)
    .registerFunction('string(uint): string', (value: Uint) => String(value.value))
    .registerFunction('string(double): string', doubleText)
    .registerFunction('string(bytes): string', textOf)
    .registerFunction('string(timestamp): string', String)
    .registerFunction('string(duration): string', String)
    .registerFunction('timestamp(timestamp): timestamp', same)
    .registerFunction('timestamp(int): timestamp', (seconds: bigint) => new Timestamp(seconds * billion))
    .registerFunction('timestamp(string): timestamp', (text: string) => {
      const found = parseTimestamp(text);
      if (!found) throw unconvertible('google.protobuf.Timestamp');
      return found;
    })
    .registerFunction('duration(duration): duration', same)
    .registerFunction('duration(int): duration', () => {
      throw new Error("type conversion error from 'int' to 'google.protobuf.Duration'");
    })
    .registerFunction('duration(string): duration', (text: string) => {
      const found = parseDuration(text);
      if (!found) throw unconvertible('google.protobuf.Duration');
      return found;
    });
}

export const matches = (text: string, pattern: string): boolean => goPattern(pattern).test(text);

function addTexts(environment: Environment): void {
  environment
    .registerFunction('string.contains(string): bool', (text: string, part: string) => text.includes(part))
    .registerFunction('string.startsWith(string): bool', (text: string, part: string) => text.startsWith(part))
    .registerFunction('string.endsWith(string): bool', (text: string, part: string) => text.endsWith(part))
    .registerFunction('matches(string, string): bool', matches)
    .registerFunction('string.matches(string): bool', matches);
  for (const type of ['bytes', 'list<A>', 'map<A, B>', 'string']) {
    environment.registerFunction(`size(${type}): int`, size).registerFunction(`${type}.size(): int`, size);
  }
}

/** The operators and conversions of the language itself. Upstream: cel-go's `common/stdlib`. */
export function addStandardLibrary(environment: Environment): void {
  addShapes(environment);
  addArithmetic(environment);
  addComparisons(environment);
  addConversions(environment);
  addTexts(environment);
}
