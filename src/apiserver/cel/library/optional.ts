import type { Environment } from '../environment.ts';
import { Duration } from '../time.ts';
import { Optional, sizeOf, Uint } from '../values.ts';

function isZero(value: unknown): boolean {
  if (value === null || value === false || value === 0 || value === 0n || value === '') return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanos === 0n;
  const container = Array.isArray(value) || value instanceof Map || Buffer.isBuffer(value);
  return container && sizeOf(value) === 0;
}

function unwrapped(list: readonly unknown[]): unknown[] {
  return list.flatMap((item) => {
    if (!(item instanceof Optional)) throw new Error(`value ${String(item)} is not optional`);
    return item.hasValue ? [item.value] : [];
  });
}

const first = (list: readonly unknown[]): Optional => (list.length === 0 ? Optional.none : Optional.of(list[0]));
const last = (list: readonly unknown[]): Optional => (list.length === 0 ? Optional.none : Optional.of(list.at(-1)));

/** Values that may not be there. Upstream: cel-go's `cel/library.go`. */
export function addOptionalLibrary(environment: Environment): void {
  const itself = (): never => {
    throw new Error('no such overload');
  };
  environment
    .registerFunction('optional.of(V): optional<V>', (value: unknown) => Optional.of(value))
    .registerFunction('optional.ofNonZeroValue(V): optional<V>', (value: unknown) =>
      isZero(value) ? Optional.none : Optional.of(value),
    )
    .registerFunction('optional.none(): optional<V>', () => Optional.none)
    .registerFunction('optional.unwrap(list<optional<V>>): list<V>', unwrapped)
    .registerFunction('list<optional<V>>.unwrapOpt(): list<V>', unwrapped)
    .registerFunction('optional<V>.value(): V', (value: Optional) => value.value)
    .registerFunction('optional<V>.hasValue(): bool', (value: Optional) => value.hasValue)
    .registerFunction('optional<V>.or(optional<V>): optional<V>', itself)
    .registerFunction('optional<V>.orValue(V): V', itself)
    .registerFunction('_[?_](list<V>, int): optional<V>', itself)
    .registerFunction('_[?_](optional<list<V>>, int): optional<V>', itself)
    .registerFunction('_[?_](map<K, V>, K): optional<V>', itself)
    .registerFunction('_[?_](optional<map<K, V>>, K): optional<V>', itself)
    .registerFunction('_[_](optional<list<V>>, int): optional<V>', itself)
    .registerFunction('_[_](optional<map<K, V>>, K): optional<V>', itself)
    .registerFunction('list<V>.first(): optional<V>', first)
    .registerFunction('list<V>.last(): optional<V>', last);
}
