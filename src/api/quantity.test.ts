import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityMilliValue,
  quantityValue,
  subtractQuantities,
} from './quantity.ts';

const canonical: Readonly<Record<string, string>> = {
  '0': '0',
  '0.0': '0',
  '1': '1',
  '1000m': '1',
  '1500m': '1500m',
  '0.5': '500m',
  '1.5Gi': '1536Mi',
  '1024Ki': '1Mi',
  '1023Ki': '1023Ki',
  '1000Ki': '1000Ki',
  '1000': '1k',
  '1000000': '1M',
  '1e3': '1e3',
  '12e6': '12e6',
  '100E': '100E',
  '-5': '-5',
  '0.1n': '1n',
  '512': '512',
};

for (const [given, wanted] of Object.entries(canonical)) {
  test(`${given} is written ${wanted}`, () => assert.equal(canonicalQuantity(given), wanted));
}

for (const bad of ['', 'x', '1.5.5', '1 Gi', '1Gb', '--1']) {
  test(`${JSON.stringify(bad)} is no quantity`, () => assert.throws(() => parseQuantity(bad)));
}

test('arithmetic keeps the format of the first', () => {
  assert.deepStrictEqual(
    [
      formatQuantity(addQuantities('1Gi', '512Mi')),
      formatQuantity(subtractQuantities('1', '100m')),
      formatQuantity(addQuantities('0', '1Gi')),
      compareQuantities('1024Mi', '1Gi'),
      compareQuantities('1', '1001m'),
      quantityValue('1.2'),
      quantityMilliValue('1.2'),
    ],
    ['1536Mi', '900m', '1Gi', 0, -1, 2, 1200],
  );
});
