import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactInteger, parseExact, rounded } from './exact-json.ts';

const whole = [
  ['what a double holds', '9007199254740991', 9007199254740991],
  ['the first that it does not tell from its neighbour', '9007199254740992', 9007199254740992n],
  ['one that it would round', '9007199254740993', 9007199254740993n],
  ['one below zero', '-9007199254740993', -9007199254740993n],
  ['the largest int64', '9223372036854775807', 9223372036854775807n],
  ['the smallest int64', '-9223372036854775808', -9223372036854775808n],
  ['one past the largest int64', '9223372036854775808', 2 ** 63],
  ['a long fraction', '0.12345678901234566', 0.12345678901234566],
  ['an exponent', '1e17', 1e17],
  ['digits in a text', '"1234567890123456789"', '1234567890123456789'],
] as const;

for (const [name, text, value] of whole) {
  test(`${name} is read: ${text}`, () => {
    assert.deepStrictEqual(
      [parseExact(text), parseExact(`{"a":[1,${text}],"b": ${text}}`)],
      [value, { a: [1, value], b: value }],
    );
  });
}

test('what was read is written as it was', () => {
  const text = '{"a":[9007199254740993,-9223372036854775808],"b":{"c":9223372036854775807,"d":1.5}}';
  assert.equal(JSON.stringify(parseExact(text)), text);
});

test('only what needs it becomes a bigint', () => {
  assert.deepStrictEqual([1n, -5n, 9007199254740993n, 2n ** 64n].map(exactInteger), [
    1,
    -5,
    9007199254740993n,
    2 ** 64,
  ]);
});

test('an object without bigints is passed on as it is, others are copied', () => {
  const plain = { a: [1] };
  const long = parseExact('{"a":[9007199254740993]}');
  assert.deepStrictEqual([rounded(plain) === plain, rounded(long)], [true, { a: [9007199254740992] }]);
});
