/** How a quantity was written, which is how it is written out again. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An exact amount in units of 10⁻⁹, after upstream's `apimachinery/pkg/api/resource`. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
  /** The text as it was given, when that is kept verbatim. */
  readonly text?: string | undefined;
}

/** What upstream says about a text that is no quantity. */
export class QuantityError extends Error {}

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;
const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const nano = 1_000_000_000n;
/** Longer texts are refused before they are looked at: reading digits takes time with their square. */
const longest = 1_024;
const maxBinary = ((1n << 63n) - 1n) * nano;

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

interface Suffix {
  format: QuantityFormat;
  exponent: number;
}

function interpretSuffix(suffix: string): Suffix {
  const decimal = decimalExponents[suffix];
  if (decimal !== undefined) return { format: 'DecimalSI', exponent: decimal };
  const binary = binaryExponents[suffix];
  if (binary !== undefined) return { format: 'BinarySI', exponent: binary };
  if (/^[eE][-+]?\d+$/.test(suffix)) return { format: 'DecimalExponent', exponent: Number(suffix.slice(1)) };
  throw new QuantityError("unable to parse quantity's suffix");
}

const power = (n: number): bigint => 10n ** BigInt(n);

/** Away from zero, so that what is asked for is never rounded to nothing. */
function divideRoundingUp(value: bigint, by: bigint): bigint {
  const whole = value / by;
  if (whole * by === value) return whole;
  return value < 0n ? whole - 1n : whole + 1n;
}

/** Throws QuantityError with upstream's message. */
export function parseQuantity(given: string | number): Quantity {
  const text = typeof given === 'number' ? numberText(given) : given;
  if (text === '0') return { nanos: 0n, format: 'DecimalSI', text };
  if (text.length > longest) throw new QuantityError('unable to parse numeric part of quantity');
  const match = pattern.exec(text);
  if (!match || text === '') throw new QuantityError(wrongFormat);
  const [, sign, whole = '', fraction = '', suffixText = ''] = match;
  const digits = whole.replace(/^0+/, '');
  if (whole === '' && fraction === '' && suffixText === '') {
    if (text === '.' || text === '+.' || text === '-.')
      throw new QuantityError('unable to parse numeric part of quantity');
    if (!/^[+-]$/.test(text)) throw new QuantityError(wrongFormat);
  }
  const { format, exponent } = interpretSuffix(suffixText);
  if (Math.abs(exponent) > 400) throw new QuantityError('unable to parse numeric part of quantity');
  const unscaled = BigInt(`${digits}${fraction}` || '0');
  let nanos =
    format === 'BinarySI'
      ? divideRoundingUp(unscaled * (1n << BigInt(exponent)) * nano, power(fraction.length))
      : scaled(unscaled, exponent - fraction.length + 9);
  if (format === 'BinarySI' && nanos > maxBinary) nanos = maxBinary;
  if (sign === '-') nanos = -nanos;
  const below = format === 'BinarySI' && nanos > 0n && nanos < nano;
  const verbatim = keptVerbatim(digits === '' ? '0' : digits, fraction, format, exponent);
  return { nanos, format: below ? 'DecimalSI' : format, ...(verbatim ? { text } : {}) };
}

function scaled(value: bigint, exponent: number): bigint {
  return exponent >= 0 ? value * power(exponent) : divideRoundingUp(value, power(-exponent));
}

function numberText(value: number): string {
  const text = String(value);
  return text.includes('e+') ? text.replace('e+', 'e') : text;
}

/** Upstream keeps a short text that is canonical enough as it is. */
function keptVerbatim(whole: string, fraction: string, format: QuantityFormat, exponent: number): boolean {
  const digits = whole + fraction;
  if (format === 'BinarySI') {
    const precision = 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1;
    return fraction === '' && precision >= 0 && exponent % 10 === 0 && Number(digits) % 8 !== 0;
  }
  const scale = exponent - fraction.length;
  return 18 - digits.length >= 0 && scale >= -9 && scale % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0';
}

/** The canonical text. */
export function formatQuantity(quantity: Quantity): string {
  if (quantity.text !== undefined) return quantity.text;
  const { nanos } = quantity;
  if (nanos === 0n) return '0';
  const limit = 1024n * nano;
  if (quantity.format === 'BinarySI' && nanos % nano === 0n && (nanos >= limit || nanos <= -limit)) {
    let value = nanos / nano;
    let step = 0;
    while (step < 6 && value % 1024n === 0n) {
      value /= 1024n;
      step++;
    }
    return `${value}${binarySuffixes[step]}`;
  }
  let value = nanos;
  let exponent = -9;
  while (value % 1000n === 0n && (quantity.format === 'DecimalExponent' || exponent < 18)) {
    value /= 1000n;
    exponent += 3;
  }
  if (quantity.format === 'DecimalExponent') return `${value}${exponent === 0 ? '' : `e${exponent}`}`;
  return `${value}${decimalSuffixes.get(exponent) ?? ''}`;
}

const canonicalForms = new Map<string, string>();
const plain = /^[1-9]\d{0,2}(?:[mkMGT]|$)$/;

/** The canonical text of a quantity's text. Throws QuantityError. */
export function canonicalQuantity(text: string | number): string {
  if (typeof text === 'number') return formatQuantity(parseQuantity(text));
  if (plain.test(text)) return text;
  const known = canonicalForms.get(text);
  if (known !== undefined) return known;
  const canonical = formatQuantity(parseQuantity(text));
  if (canonicalForms.size < 1000) canonicalForms.set(text, canonical);
  return canonical;
}

export type QuantityLike = Quantity | string | number;

const asQuantity = (q: QuantityLike): Quantity => (typeof q === 'object' ? q : parseQuantity(q));

/** Negative, zero or positive, as `a` is less than, equal to or more than `b`. */
export function compareQuantities(a: QuantityLike, b: QuantityLike): number {
  const x = asQuantity(a).nanos;
  const y = asQuantity(b).nanos;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sum, in the format of the first; of the second when the first is zero. */
export function addQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  const x = asQuantity(a);
  const y = asQuantity(b);
  return { nanos: x.nanos + y.nanos, format: x.nanos === 0n ? y.format : x.format };
}

export function subtractQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  const x = asQuantity(a);
  const y = asQuantity(b);
  return { nanos: x.nanos - y.nanos, format: x.nanos === 0n ? y.format : x.format };
}

export const zeroQuantity: Quantity = { nanos: 0n, format: 'DecimalSI' };

/** Whole units, rounded up, as a number (exact up to 2⁵³). */
export function quantityValue(q: QuantityLike): number {
  return Number(divideRoundingUp(asQuantity(q).nanos, nano));
}

/** Thousandths, rounded up, as a number. */
export function quantityMilliValue(q: QuantityLike): number {
  return Number(divideRoundingUp(asQuantity(q).nanos, 1_000_000n));
}

export const isZeroQuantity = (q: QuantityLike): boolean => asQuantity(q).nanos === 0n;
