import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expand } from './expansion.ts';

const scope = new Map([
  ['A', '1'],
  ['B', '$(A)'],
]);

const rows: [string, string, string][] = [
  ['a known name is replaced', 'x$(A)y', 'x1y'],
  ['what is put in is not expanded again', '$(B)', '$(A)'],
  ['an unknown name stays', '$(C)', '$(C)'],
  ['two dollars are one', '$$(A)', '$(A)'],
  ['a dollar before anything else stays', '$A $', '$A $'],
  ['an open bracket stays', '$(A', '$(A'],
];

for (const [name, input, output] of rows) test(name, () => assert.equal(expand(input, scope), output));
