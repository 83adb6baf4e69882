import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from '../../../api/quantity.ts';
import type { Environment } from '../environment.ts';
import type { LibraryValue } from '../values.ts';

const type = 'kubernetes.Quantity';

class QuantityValue implements LibraryValue {
  readonly celType = type;
  readonly quantity: Quantity;
  /** Upstream keeps these as fractions, which are no integers whatever they come to. */
  readonly fraction: boolean;
  constructor(quantity: Quantity, fraction = false) {
    this.quantity = quantity;
    this.fraction = fraction;
  }
  celEquals(other: QuantityValue): boolean {
    return compareQuantities(this.quantity, other.quantity) === 0;
  }
  toString(): string {
    return formatQuantity(this.quantity);
  }
}

const billion = 1_000_000_000n;

const ofInt = (value: bigint): Quantity => ({ nanos: value * billion, format: 'DecimalSI' });

function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

const whole = ({ quantity, fraction }: QuantityValue): boolean =>
  !fraction &&
  quantity.nanos % billion === 0n &&
  BigInt.asIntN(64, quantity.nanos / billion) === quantity.nanos / billion;

/** Upstream: `cel/library/quantity.go`. */
export function addQuantityLibrary(environment: Environment): void {
  const compare = (a: QuantityValue, b: QuantityValue): number => compareQuantities(a.quantity, b.quantity);
  environment
    .registerOpaque(type)
    .registerFunction(
      `quantity(string): ${type}`,
      (text: string) => new QuantityValue(parseQuantity(text), /\.\d+[KMGTPE]i$/.test(text)),
    )
    .registerFunction('isQuantity(string): bool', isQuantity)
    .registerFunction(`sign(${type}): int`, (a: QuantityValue) => BigInt(compareQuantities(a.quantity, '0')))
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: QuantityValue, b: QuantityValue) => compare(a, b) > 0)
    .registerFunction(`${type}.isLessThan(${type}): bool`, (a: QuantityValue, b: QuantityValue) => compare(a, b) < 0)
    .registerFunction(`${type}.compareTo(${type}): int`, (a: QuantityValue, b: QuantityValue) => BigInt(compare(a, b)))
    .registerFunction(`${type}.asApproximateFloat(): double`, (a: QuantityValue) => Number(a.quantity.nanos) / 1e9)
    .registerFunction(`${type}.isInteger(): bool`, whole)
    .registerFunction(`${type}.asInteger(): int`, (a: QuantityValue) => {
      if (!whole(a)) throw new Error('cannot convert value to integer');
      return a.quantity.nanos / billion;
    })
    .registerFunction(
      `${type}.add(${type}): ${type}`,
      (a: QuantityValue, b: QuantityValue) =>
        new QuantityValue(addQuantities(a.quantity, b.quantity), a.fraction || b.fraction),
    )
    .registerFunction(
      `${type}.add(int): ${type}`,
      (a: QuantityValue, b: bigint) => new QuantityValue(addQuantities(a.quantity, ofInt(b)), a.fraction),
    )
    .registerFunction(
      `${type}.sub(${type}): ${type}`,
      (a: QuantityValue, b: QuantityValue) =>
        new QuantityValue(subtractQuantities(a.quantity, b.quantity), a.fraction || b.fraction),
    )
    .registerFunction(
      `${type}.sub(int): ${type}`,
      (a: QuantityValue, b: bigint) => new QuantityValue(subtractQuantities(a.quantity, ofInt(b)), a.fraction),
    );
}
