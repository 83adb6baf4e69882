/** A point in time of nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint;
  /** Minutes east of Greenwich, where it was written down: it is shown with them. */
  readonly offset: number;
  constructor(nanos: bigint, offset = 0) {
    if (nanos < earliest || nanos > latest) throw new Error('timestamp overflow');
    this.nanos = nanos;
    this.offset = offset;
  }
  toString(): string {
    const local = timestampText(this.nanos + BigInt(this.offset) * 60n * billion);
    return `${local}${this.offset === 0 ? 'Z' : offsetText(this.offset)}`;
  }
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const parts = [Math.trunc(size / 60), size % 60].map((part) => String(part).padStart(2, '0'));
  return `${minutes < 0 ? '-' : '+'}${parts.join(':')}`;
}

/** A length of time in nanoseconds. */
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    if (BigInt.asIntN(64, nanos) !== nanos) throw new Error('integer overflow');
    this.nanos = nanos;
  }
  toString(): string {
    return `${decimal(this.nanos)}s`;
  }
}

const billion = 1_000_000_000n;
const earliest = -62_135_596_800n * billion;
const latest = 253_402_300_799n * billion + (billion - 1n);

const floorDivide = (a: bigint, b: bigint): bigint => a / b - (a % b < 0n ? 1n : 0n);

/** Seconds as Go formats a float: without trailing zeros. */
function decimal(nanos: bigint): string {
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = String(size % billion)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${sign}${size / billion}${fraction === '' ? '' : `.${fraction}`}`;
}

function timestampText(nanos: bigint): string {
  const seconds = floorDivide(nanos, billion);
  const fraction = String(nanos - seconds * billion)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const base = new Date(Number(seconds) * 1000).toISOString().replace(/\.000Z$/, '');
  return `${base}${fraction === '' ? '' : `.${fraction}`}`;
}

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(?:Z|([+-])([01]\d|2[0-4]):([0-5]\d))$/;

/** A time as RFC 3339 has it; undefined when it is none. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const [, base, fraction = '', sign, hours = '0', minutes = '0'] = rfc3339.exec(text) ?? [];
  if (base === undefined) return undefined;
  const local = Date.parse(`${base}Z`);
  // Days that a month does not have are those of the next one for JavaScript.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(base)) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const nanos = BigInt(local - offset * 60_000) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return nanos < earliest || nanos > latest ? undefined : new Timestamp(nanos, offset);
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: billion,
  m: 60n * billion,
  h: 3600n * billion,
};

/** A duration as Go writes it (`1h30m`, `-1.5s`); undefined when it is none. */
export function parseDuration(text: string): Duration | undefined {
  const [, sign, body = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === '0') return new Duration(0n);
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of body.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = units[unit] ?? 1n;
    const part = fraction === '' ? 0n : (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    nanos += BigInt(whole || 0) * scale + part;
  }
  const signed = sign === '-' ? -nanos : nanos;
  return BigInt.asIntN(64, signed) === signed ? new Duration(signed) : undefined;
}

function wholeNumber(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Throws for what is no name of the zone database, in which case counts and offsets are none. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const unknown = new Error(`unknown time zone ${zone}`);
  if (!/^[A-Za-z]/.test(zone)) throw unknown;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  } catch {
    throw unknown;
  }
  const known = format.resolvedOptions().timeZone;
  if (known !== zone && known.toLowerCase() === zone.toLowerCase()) throw unknown;
  return format;
}

/** The parts of a time in a zone: a name of the zone database, or an offset like `+02:00`. */
export function partsIn(time: Timestamp, zone: string): Date {
  const millis = Number(floorDivide(time.nanos, 1_000_000n));
  const colon = zone.indexOf(':');
  if (colon >= 0) {
    const hours = wholeNumber(zone.slice(0, colon));
    const minutes = wholeNumber(zone.slice(colon + 1));
    return new Date(millis + (hours * 60 + (zone.startsWith('-') ? -minutes : minutes)) * 60_000);
  }
  if (zone === '' || zone === 'UTC' || zone === 'Local') return new Date(millis);
  const name = formatOf(zone)
    .formatToParts(new Date(millis))
    .find((p) => p.type === 'timeZoneName')?.value;
  const [, s, h = '0', m = '0', seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name ?? '') ?? [];
  const offset = (Number(h) * 60 + Number(m)) * 60 + Number(seconds);
  return new Date(millis + (s === '-' ? -offset : offset) * 1000);
}
