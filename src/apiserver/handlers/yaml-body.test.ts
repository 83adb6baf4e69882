import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYaml } from './yaml-body.ts';

test('a key that stands twice is told with its line, and the last value counts', () => {
  assert.deepEqual(readYaml('a: 1\nb:\n  c: x\n  c: y\n'), {
    value: { a: 1, b: { c: 'y' } },
    duplicates: 'yaml: unmarshal errors:\n  line 4: key "c" already set in map',
  });
  assert.deepEqual(readYaml('a: [1, {b: null}]'), { value: { a: [1, { b: null }] }, duplicates: undefined });
});

test('what is no YAML is an error; aliases that explode are too', () => {
  assert.throws(() => readYaml('a: b: c'), /^Error: yaml: /);
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...['b', 'c', 'd', 'e'].map((n, i) => {
      const before = 'abcd'[i];
      return `${n}: &${n} [${Array.from({ length: 9 }, () => `*${before}`).join(',')}]`;
    }),
  ].join('\n');
  assert.throws(() => readYaml(bomb), /alias/i);
});
