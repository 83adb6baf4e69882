import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schema } from './structural.ts';
import { validateValue } from './validate-value.ts';

const typed = (wanted: string, given: string): string =>
  `spec.x Invalid value: "${given}": spec.x in body must be of type ${wanted}: "${given}"`;
const checked = (how: string): string =>
  `<nil> Invalid value: "": Checked value must be of type integer ${how} in spec.x`;

const int64 = { type: 'integer', format: 'int64' };
const cases: readonly [name: string, schema: object, value: unknown, problems: readonly string[]][] = [
  ['the largest int64', int64, 9223372036854775807n, []],
  ['a double past int64', int64, 2 ** 63, [typed('int64', 'float64'), checked('with format int64')]],
  ['a fraction', { type: 'integer' }, 1.5, [typed('integer', 'number'), checked('(default format)')]],
  ['a fraction where there is a format', int64, 1.5, [typed('int64', 'float64'), checked('with format int64')]],
  ['a large double', int64, 1e17, [typed('int64', 'float64')]],
  ['a boolean where there is a format', int64, true, [typed('int64', '')]],
  ['a text where there is a format', int64, 'a', [typed('integer', 'string')]],
  ['a number for a date', { type: 'string', format: 'date' }, 5, [typed('date', 'int64')]],
  ['more than an int32', { type: 'integer', format: 'int32' }, 2 ** 31, [checked('with format int32')]],
  ['a multiple past 2^53', { type: 'integer', multipleOf: 2 }, 9007199254740994n, []],
  [
    'none past 2^53',
    { type: 'integer', multipleOf: 2 },
    9007199254740993n,
    ['spec.x Invalid value: 9007199254740993: spec.x in body should be a multiple of 2'],
  ],
  [
    'a number that is not among those allowed',
    { type: 'integer', enum: [1, 2] },
    3,
    ['spec.x Unsupported value: 3: supported values: "1", "2"'],
  ],
];

for (const [name, schema, value, problems] of cases) {
  test(name, () => {
    const found = validateValue(value, schema as unknown as Schema, 'spec.x');
    assert.deepStrictEqual(
      found.map(({ field, message }) => `${field} ${message}`),
      problems,
    );
  });
}
