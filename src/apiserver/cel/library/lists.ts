import type { Environment } from '@marcbachmann/cel-js';

type List = readonly unknown[];

const asBigInt = (value: unknown): unknown => (value instanceof Date ? BigInt(value.getTime()) : value);

function order(a: unknown, b: unknown): number {
  const [left, right] = [asBigInt(a) as bigint, asBigInt(b) as bigint];
  return left < right ? -1 : left > right ? 1 : 0;
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && same(item, b.get(key)));
  // biome-ignore lint/suspicious/noDoubleEquals: int and double of one value are equal in CEL
  return a === b || (typeof a !== 'string' && typeof b !== 'string' && typeof a !== 'object' && a == b);
}

function chosen(list: List, name: string, wanted: number): unknown {
  if (list.length === 0) throw new Error(`${name} called on empty list`);
  return list.reduce((best, item) => (order(item, best) === wanted ? item : best));
}

const sum = (list: List): unknown =>
  list.length === 0 ? 0n : list.reduce((a, b) => ((a as bigint) + (b as bigint)) as unknown);

function flatten(list: List, depth: number): List {
  return list.flatMap((item) => (Array.isArray(item) && depth > 0 ? flatten(item, depth - 1) : [item]));
}

const distinct = (list: List): List => list.filter((item, i) => list.findIndex((other) => same(other, item)) === i);
const containsAll = (list: List, wanted: List): boolean =>
  wanted.every((item) => list.some((other) => same(item, other)));

class Sets {}

/** Lists and sets. Upstream: `cel/library/lists.go`, and cel-go's `ext` lists and sets. */
export function addListLibraries(environment: Environment): void {
  environment
    .registerFunction('list.isSorted(): bool', (list: List) =>
      list.every((item, i) => i === 0 || order(list[i - 1], item) <= 0),
    )
    .registerFunction('list.sum(): dyn', sum)
    .registerFunction('list.min(): dyn', (list: List) => chosen(list, 'min', -1))
    .registerFunction('list.max(): dyn', (list: List) => chosen(list, 'max', 1))
    .registerFunction('list.indexOf(dyn): int', (list: List, item: unknown) =>
      BigInt(list.findIndex((other) => same(other, item))),
    )
    .registerFunction('list.lastIndexOf(dyn): int', (list: List, item: unknown) =>
      BigInt(list.findLastIndex((other) => same(other, item))),
    )
    .registerFunction('list.slice(int, int): list<dyn>', (list: List, from: bigint, to: bigint) => {
      if (from < 0n || to > BigInt(list.length) || from > to)
        throw new Error(`cannot slice(${from}, ${to}), list is length ${list.length}`);
      return list.slice(Number(from), Number(to));
    })
    .registerFunction('list.sort(): list<dyn>', (list: List) => [...list].sort(order))
    .registerFunction('list.reverse(): list<dyn>', (list: List) => [...list].reverse())
    .registerFunction('list.distinct(): list<dyn>', distinct)
    .registerFunction('list.flatten(): list<dyn>', (list: List) => flatten(list, 1))
    .registerFunction('list.flatten(int): list<dyn>', (list: List, depth: bigint) => flatten(list, Number(depth)))
    .registerType('SetsNamespace', Sets)
    .registerConstant('sets', 'SetsNamespace', new Sets())
    .registerFunction('SetsNamespace.contains(list, list): bool', (_: unknown, a: List, b: List) => containsAll(a, b))
    .registerFunction(
      'SetsNamespace.equivalent(list, list): bool',
      (_: unknown, a: List, b: List) => containsAll(a, b) && containsAll(b, a),
    )
    .registerFunction('SetsNamespace.intersects(list, list): bool', (_: unknown, a: List, b: List) =>
      a.some((item) => b.some((other) => same(item, other))),
    );
}
