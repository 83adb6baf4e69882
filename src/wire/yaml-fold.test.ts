import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldYaml } from './yaml-fold.ts';

const words = (count: number): string => Array(count).fill('word').join(' ');

const rows: [string, string, string][] = [
  ['a short line stays', 'a: b c', 'a: b c'],
  ['a long word stays', `a: ${'x'.repeat(200)}`, `a: ${'x'.repeat(200)}`],
  ['plain text goes on under its key', `a:\n  b: ${words(20)}`, `a:\n  b: ${words(16)}\n    ${words(4)}`],
  ['an item goes on under its dash', `a:\n- ${words(20)}`, `a:\n- ${words(16)}\n  ${words(4)}`],
  ['a key in an item counts', `- b: ${words(20)}`, `- b: ${words(16)}\n    ${words(4)}`],
  ['single quotes are broken inside', `b: 'x: ${words(20)} '`, `b: 'x: ${words(15)}\n  ${words(5)} '`],
  [
    'two spaces are not parted',
    `b: 'x: ${words(14)}  ${words(4)}'`,
    `b: 'x: ${words(14)}  ${words(1)}\n  ${words(3)}'`,
  ],
  [
    'two spaces in double quotes are',
    `b: "x\\t: ${words(15)}  ${words(4)}"`,
    `b: "x\\t: ${words(15)}\n  \\ ${words(4)}"`,
  ],
  ['a block stays', `a: |\n  ${words(30)}\nb: c`, `a: |\n  ${words(30)}\nb: c`],
  ['an apostrophe is doubled', `a: "it's \\"so\\""`, `a: 'it''s "so"'`],
];
for (const [name, yaml, expected] of rows) test(name, () => assert.equal(foldYaml(yaml), expected));
