import type { Environment } from '../environment.ts';
import { Duration, partsIn, Timestamp } from '../time.ts';

const parts: Readonly<Record<string, (time: Date) => number>> = {
  getFullYear: (time) => time.getUTCFullYear(),
  getMonth: (time) => time.getUTCMonth(),
  getDayOfYear: (time) => Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000),
  getDayOfMonth: (time) => time.getUTCDate() - 1,
  getDate: (time) => time.getUTCDate(),
  getDayOfWeek: (time) => time.getUTCDay(),
  getHours: (time) => time.getUTCHours(),
  getMinutes: (time) => time.getUTCMinutes(),
  getSeconds: (time) => time.getUTCSeconds(),
  getMilliseconds: (time) => time.getUTCMilliseconds(),
};

const second = 1_000_000_000n;
const lengths: Readonly<Record<string, (nanos: bigint) => bigint>> = {
  getHours: (nanos) => nanos / (3600n * second),
  getMinutes: (nanos) => nanos / (60n * second),
  getSeconds: (nanos) => nanos / second,
  getMilliseconds: (nanos) => nanos / 1_000_000n,
};

/** Times and lengths of time. */
export function addTimeLibrary(environment: Environment): void {
  for (const [name, part] of Object.entries(parts)) {
    environment
      .registerFunction(`timestamp.${name}(): int`, (time: Timestamp) => BigInt(part(partsIn(time, 'UTC'))))
      .registerFunction(`timestamp.${name}(string): int`, (time: Timestamp, zone: string) =>
        BigInt(part(partsIn(time, zone))),
      );
  }
  for (const [name, length] of Object.entries(lengths))
    environment.registerFunction(`duration.${name}(): int`, ({ nanos }: Duration) => length(nanos));
  const later = ({ nanos, offset }: Timestamp, by: bigint): Timestamp => new Timestamp(nanos + by, offset);
  const length = (nanos: bigint): Duration => new Duration(nanos);
  environment
    .registerFunction('_+_(duration, duration): duration', (a: Duration, b: Duration) => length(a.nanos + b.nanos))
    .registerFunction('_+_(duration, timestamp): timestamp', (a: Duration, b: Timestamp) => later(b, a.nanos))
    .registerFunction('_+_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => later(a, b.nanos))
    .registerFunction('_-_(duration, duration): duration', (a: Duration, b: Duration) => length(a.nanos - b.nanos))
    .registerFunction('_-_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => later(a, -b.nanos))
    .registerFunction('_-_(timestamp, timestamp): duration', (a: Timestamp, b: Timestamp) => length(a.nanos - b.nanos));
}
