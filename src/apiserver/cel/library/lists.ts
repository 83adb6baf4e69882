import type { Environment } from '../environment.ts';
import { Duration } from '../time.ts';
import { equal, order, typeName, Uint } from '../values.ts';

type List = readonly unknown[];

const compared = (a: unknown, b: unknown): number => {
  const found = order(a, b);
  if (found === undefined) throw new Error('no such overload');
  return found;
};

/** What has no order among them is let be. */
const isSorted = (list: List): boolean => list.every((item, i) => i === 0 || order(list[i - 1], item) !== 1);

function sameTypes(list: List): void {
  if (list.some((item) => typeName(item) !== typeName(list[0])))
    throw new Error('list elements must have the same type');
}

const chosen =
  (name: string, wanted: number) =>
  (list: List): unknown => {
    if (list.length === 0) throw new Error(`${name} called on empty list`);
    return list.reduce((best, item) => (order(item, best) === wanted ? item : best));
  };

const zeros: Readonly<Record<string, unknown>> = { int: 0n, uint: new Uint(0n), double: 0, duration: new Duration(0n) };

function added(a: unknown, b: unknown): unknown {
  if (typeName(a) !== typeName(b)) throw new Error('no such overload');
  if (typeof a === 'number') return a + (b as number);
  if (a instanceof Duration) return new Duration(a.nanos + (b as Duration).nanos);
  const isUint = a instanceof Uint;
  const sum = isUint ? a.value + (b as Uint).value : (a as bigint) + (b as bigint);
  const bounded = isUint ? BigInt.asUintN(64, sum) : BigInt.asIntN(64, sum);
  if (bounded !== sum) throw new Error(isUint ? 'unsigned integer overflow' : 'integer overflow');
  return isUint ? new Uint(sum) : sum;
}

function flatten(list: List, depth: bigint): List {
  if (depth < 0n) throw new Error('level must be non-negative');
  return list.flatMap((item) => (Array.isArray(item) && depth > 0n ? flatten(item, depth - 1n) : [item]));
}

function slice(list: List, from: bigint, to: bigint): List {
  const what = `cannot slice(${from}, ${to})`;
  if (from < 0n || to < 0n) throw new Error(`${what}, negative indexes not supported`);
  if (from > to) throw new Error(`${what}, start index must be less than or equal to end index`);
  if (to > BigInt(list.length)) throw new Error(`${what}, list is length ${list.length}`);
  return list.slice(Number(from), Number(to));
}

const distinct = (list: List): List => list.filter((item, i) => list.findIndex((other) => equal(other, item)) === i);
const containsAll = (list: List, wanted: List): boolean =>
  wanted.every((item) => list.some((other) => equal(item, other)));

const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const summable = ['int', 'uint', 'double', 'duration'];
function sortedBy(list: List, keys: List): List {
  sameTypes(keys);
  const pairs = list.map((item, i) => ({ item, key: keys[i] }));
  return pairs.sort((a, b) => compared(a.key, b.key)).map(({ item }) => item);
}

const longestRange = 1_000_000n;

function range(length: bigint): bigint[] {
  if (length > longestRange) throw new Error('list size exceeds limit');
  return Array.from({ length: Number(length) }, (_, i) => BigInt(i));
}

/** Lists and sets. Upstream: `cel/library/lists.go`, and cel-go's `ext` lists and sets. */
export function addListLibraries(environment: Environment): void {
  for (const type of comparable) {
    environment
      .registerFunction(`list<${type}>.isSorted(): bool`, isSorted)
      .registerFunction(`list<${type}>.min(): ${type}`, chosen('min', -1))
      .registerFunction(`list<${type}>.max(): ${type}`, chosen('max', 1))
      .registerFunction(`list<${type}>.sort(): list<${type}>`, (list: List) => sortedBy(list, list))
      .registerFunction(`list<T>.@sortByAssociatedKeys(list<${type}>): list<T>`, sortedBy);
  }
  for (const type of summable)
    environment.registerFunction(`list<${type}>.sum(): ${type}`, (list: List) =>
      list.length === 0 ? zeros[type] : list.reduce(added),
    );
  environment
    .registerFunction('list<A>.indexOf(A): int', (list: List, item: unknown) =>
      BigInt(list.findIndex((other) => equal(other, item))),
    )
    .registerFunction('list<A>.lastIndexOf(A): int', (list: List, item: unknown) =>
      BigInt(list.findLastIndex((other) => equal(other, item))),
    )
    .registerFunction('list<T>.slice(int, int): list<T>', slice)
    .registerFunction('list<list<T>>.flatten(): list<T>', (list: List) => flatten(list, 1n))
    .registerFunction('list<dyn>.flatten(int): list<dyn>', flatten)
    .registerFunction('lists.range(int): list<int>', range)
    .registerFunction('list<T>.reverse(): list<T>', (list: List) => [...list].reverse())
    .registerFunction('list<T>.distinct(): list<T>', distinct)
    .registerFunction('sets.contains(list<T>, list<T>): bool', containsAll)
    .registerFunction(
      'sets.equivalent(list<T>, list<T>): bool',
      (a: List, b: List) => containsAll(a, b) && containsAll(b, a),
    )
    .registerFunction('sets.intersects(list<T>, list<T>): bool', (a: List, b: List) =>
      a.some((item) => b.some((other) => equal(item, other))),
    );
}
