import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CronJob } from '../../api/gen/batch-v1.ts';
import { dueTimes } from './controller.ts';
import { parseSchedule } from './schedule.ts';

const next = (schedule: string, after: string, zone?: string): string => {
  const at = parseSchedule(schedule, zone).next(Date.parse(after));
  return at === undefined ? 'never' : new Date(at).toISOString();
};

const rows: [string, string, string, string?][] = [
  ['* * * * *', '2026-01-01T00:00:30Z', '2026-01-01T00:01:00.000Z'],
  ['*/15 9-17 * * mon-fri', '2026-01-02T17:50:00Z', '2026-01-05T09:00:00.000Z'],
  ['0 0 1,15 * 3', '2026-01-02T00:00:00Z', '2026-01-07T00:00:00.000Z'],
  ['30 6 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T06:30:00.000Z'],
  ['0 0 30 2 *', '2026-01-01T00:00:00Z', 'never'],
  ['@daily', '2026-03-28T23:30:00Z', '2026-03-29T22:00:00.000Z', 'Europe/Berlin'],
  ['@hourly', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00.000Z'],
  ['0 0 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00.000Z'],
];
for (const [schedule, after, expected, zone] of rows) {
  test(`${schedule} after ${after} is ${expected}`, () => assert.equal(next(schedule, after, zone), expected));
}

test('What is no schedule is refused', () => {
  for (const bad of ['* * * *', '61 * * * *', 'a * * * *', '*/0 * * * *']) assert.throws(() => parseSchedule(bad), bad);
});

test('Of several missed times the latest is due; a deadline hides the older ones', () => {
  const cronJob = { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' }, spec: {} } as CronJob;
  const now = Date.parse('2026-01-01T00:03:30Z');
  const every = parseSchedule('* * * * *');
  assert.deepStrictEqual(dueTimes(cronJob, every, now), {
    missed: Date.parse('2026-01-01T00:03:00Z'),
    next: Date.parse('2026-01-01T00:04:00Z'),
    count: 3,
  });
  const strict = { ...cronJob, spec: { startingDeadlineSeconds: 10 } } as CronJob;
  assert.equal(dueTimes(strict, every, now).missed, undefined);
});
