declare global {
  interface BigInt {
    toJSON(): unknown;
  }
  interface JSON {
    rawJSON(text: string): unknown;
  }
}

Object.defineProperty(BigInt.prototype, 'toJSON', {
  value(this: bigint): unknown {
    return JSON.rawJSON(String(this));
  },
  configurable: true,
  writable: true,
});

const digits = /\d{16}/;
const longNumber = /(?:^|[:[,\s])-?\d{16}/;

/** Whether a text may hold a whole number that a double would round. Looked at first for being much the cheaper. */
export const mayHoldLong = (text: string): boolean => digits.test(text) && longNumber.test(text);

/**
 * JSON as Go's untyped decoder reads it: whole numbers that fit an int64 keep their value, all else is a double. Those
 * that a double would round (past 2⁵³) are of type bigint, and `JSON.stringify` writes them as they were; all others are
 * of type number. Throws SyntaxError.
 */
export function parseExact(text: string): unknown {
  return mayHoldLong(text) ? JSON.parse(text, exact) : JSON.parse(text);
}

function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? exactInteger(BigInt(source)) : value;
}

/** Whether there has been a bigint: without one nothing needs to be looked through. */
let met = false;

/** A whole number as `parseExact` has it. */
export function exactInteger(whole: bigint): number | bigint {
  const double = Number(whole);
  if (Number.isSafeInteger(double) || BigInt.asIntN(64, whole) !== whole) return double;
  met = true;
  return whole;
}

function holdsLong(value: unknown): boolean {
  if (typeof value === 'bigint') return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsLong);
}

/** A value of JSON for whoever reckons with doubles: as it is where it has no bigint, else a copy with those rounded. */
export function rounded<T>(value: T): T {
  return met && holdsLong(value) ? (JSON.parse(JSON.stringify(value)) as T) : value;
}
