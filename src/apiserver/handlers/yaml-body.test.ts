import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYaml } from './yaml-body.ts';

test('a key that stands twice is told with its line, and the last value counts', () => {
  assert.deepEqual(readYaml('a: 1\nb:\n  c: v\n  c: w\n'), {
    value: { a: 1, b: { c: 'w' } },
    duplicates: 'yaml: unmarshal errors:\n  line 4: key "c" already set in map',
  });
  assert.deepEqual(readYaml('a: [1, {b: null}]'), { value: { a: [1, { b: null }] }, duplicates: undefined });
});

test('what is written plain is what Go takes it for', () => {
  const text = 'a: yes\nb: off\nc: 010\nd: 1_000\ne: 10:30\nf: 2020-01-01\n.: {}\ng: 0x10\nh: 1e3\ni: ~\nj: "yes"\n';
  const value = {
    a: true,
    b: false,
    c: 8,
    d: 1000,
    e: '10:30',
    f: '2020-01-01',
    '.': {},
    g: 16,
    h: 1000,
    i: null,
    j: 'yes',
  };
  assert.deepEqual(readYaml(text).value, value);
  assert.deepEqual(readYaml('a: &a {x: 1}\nb:\n  <<: *a\n  z: 2\n').value, { a: { x: 1 }, b: { x: 1, z: 2 } });
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
