import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions } from './version-order.ts';

// from older to newer, as `systemd-analyze compare-versions` says
const orders: readonly (readonly string[])[] = [
  ['1.36.3~rc.1', '1.36.3', '1.36.3-1', '1.36.3-2', '1.36.3^post', '1.36.3.1', '1.36.4', '1.36.10', '1.37.0', '2.0.0'],
  ['~1', '', '1'],
  ['1.0-a', '1.0-b', '1.0-1', '1.0-02', '1.0-10'],
  [
    '122.1',
    '123~rc1-1',
    '123',
    '123-a',
    '123-a.1',
    '123-1',
    '123-1.1',
    '123^post1',
    '123.a-1',
    '123.1-1',
    '123a-1',
    '124-1',
  ],
];

for (const order of orders)
  test(order.join(' < '), () => {
    for (const [i, a] of order.entries())
      for (const [j, b] of order.entries())
        assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} with ${b}`);
  });
