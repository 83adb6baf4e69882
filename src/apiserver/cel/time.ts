/** A point in time of nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    if (nanos < earliest || nanos > latest) throw new Error('timestamp overflow');
    this.nanos = nanos;
  }
  toString(): string {
    return timestampText(this.nanos);
  }
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
  return `${base}${fraction === '' ? '' : `.${fraction}`}Z`;
}

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

/** A time as RFC 3339 has it; undefined when it is none. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const [, base, fraction = '', zone] = rfc3339.exec(text) ?? [];
  if (base === undefined) return undefined;
  const millis = Date.parse(`${base}${zone}`);
  if (Number.isNaN(millis)) return undefined;
  const nanos = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return new Timestamp(BigInt(millis) * 1_000_000n + nanos);
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

/** The parts of a time in a zone: a name of the zone database, or an offset like `+02:00`. */
export function partsIn(time: Timestamp, zone: string): Date {
  const millis = Number(floorDivide(time.nanos, 1_000_000n));
  const [, sign, hours, minutes] = /^([+-]?)(\d\d):(\d\d)$/.exec(zone) ?? [];
  if (hours !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    return new Date(millis + offset * 60_000);
  }
  if (zone === '' || zone === 'UTC') return new Date(millis);
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  } catch {
    throw new Error(`unknown time zone ${zone}`);
  }
  const name = format.formatToParts(new Date(millis)).find((p) => p.type === 'timeZoneName')?.value ?? 'GMT';
  const [, s, h = '0', m = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  const offset = (Number(h) * 60 + Number(m)) * (s === '-' ? -1 : 1);
  return new Date(millis + offset * 60_000);
}
