import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestInfo } from '../http/request-info.ts';
import { divide, shareOf, smoothed } from './borrowing.ts';
import { createDemandMeter } from './demand.ts';
import { widest, widthOf } from './width.ts';

test('a level lends and borrows by its percentages', () => {
  const limited = (more: object) => ({
    metadata: {},
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 30, ...more } },
  });
  assert.deepEqual(shareOf(limited({}), 60, 600), { nominal: 300, least: 300, most: 600 });
  assert.deepEqual(shareOf(limited({ lendablePercent: 90, borrowingLimitPercent: 50 }), 60, 600), {
    nominal: 300,
    least: 30,
    most: 450,
  });
});

test('who wants little lends to who wants much, within the limits of both', () => {
  const idle = { least: 10, most: 100, wanted: 10 };
  assert.deepEqual(divide(100, [idle, { least: 50, most: 100, wanted: 500 }]).seats, [10, 90]);
  assert.deepEqual(divide(100, [idle, { least: 50, most: 60, wanted: 500 }]).seats, [40, 60]);
  assert.deepEqual(
    divide(100, [
      { least: 50, most: 100, wanted: 50 },
      { least: 50, most: 100, wanted: 500 },
    ]).seats,
    [50, 50],
  );
});

test('demand is weighted by time, and is forgotten slowly', () => {
  let at = 0;
  const meter = createDemandMeter(() => at);
  meter.now(10);
  at = 5;
  meter.now(0);
  at = 10;
  assert.deepEqual(meter.take(), { highest: 10, average: 5, deviation: 5 });
  at = 20;
  assert.deepEqual(meter.take(), { highest: 0, average: 0, deviation: 0 });
  assert.equal(smoothed(0, { highest: 10, average: 5, deviation: 5 }), 10);
  assert.equal(smoothed(10, { highest: 0, average: 0, deviation: 0 }), 9.77);
});

const info = (verb: string, name = ''): RequestInfo => ({ verb, name, isResource: true }) as RequestInfo;
const width = (verb: string, query: string, count: number, name = ''): number =>
  widthOf(info(verb, name), `/api/v1/pods${query}`, () => ({ count, bytes: 5_000 }), 10);

test('a list takes seats by what is read for it, a watch only when it begins with a list', () => {
  const seats = [
    width('get', '', 1000),
    width('list', '', 10),
    width('list', '', 50),
    width('list', '', 10_000),
    width('list', '?limit=40', 10_000),
    width('list', '', 10_000, 'one'),
    width('watch', '?resourceVersion=5', 10_000),
    width('watch', '', 10_000),
    width('watch', '?resourceVersion=5&sendInitialEvents=true', 10_000),
  ];
  assert.deepEqual(seats, [1, 1, 3, 10, 2, 1, 1, 10, 10]);
  assert.deepEqual([widest(600, 8), widest(20, 6), widest(3, 8)], [75, 3, 1]);
});
