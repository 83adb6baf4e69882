import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonSyntaxError } from './json-syntax.ts';

const cases: readonly [string, string | undefined][] = [
  ['', 'unexpected end of JSON input'],
  ['{"a": [1, 2.5e3, "x\\u00e9", true, null]}', undefined],
  ['not json', "invalid character 'o' in literal null (expecting 'u')"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a": 1 "b"}', "invalid character '\"' after object key:value pair"],
  ['{"a": 1,}', "invalid character '}' looking for beginning of object key string"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ["{'a': 1}", "invalid character '\\'' looking for beginning of object key string"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['{} {}', "invalid character '{' after top-level value"],
  ['{"a": "b', 'unexpected end of JSON input'],
];

for (const [text, message] of cases)
  test(`${JSON.stringify(text)}: ${message ?? 'nothing is wrong'}`, () => assert.equal(jsonSyntaxError(text), message));
