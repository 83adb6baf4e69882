import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAccept } from './accept.ts';

const read = (header: string): string[] =>
  parseAccept(header).map(
    ({ type, subtype, quality, parameters }) =>
      `${type}/${subtype} ${quality}${[...parameters].map(([name, value]) => ` ${name}=${value}`).join('')}`,
  );

const rows: [string, string, string[]][] = [
  ['a type is as it is written', 'Application/JSON', ['Application/JSON 1']],
  ['a star alone is everything', '*;q=0.1', ['*/* 0.1']],
  [
    'the better comes first, and a wildcard last',
    '*/*;q=0.8,text/html,application/xml;q=0.9',
    ['text/html 1', 'application/xml 0.9', '*/* 0.8'],
  ],
  ['a quality that is no number is none', 'a/b;q=x,c/d', ['c/d 1', 'a/b 0']],
  ['parameters keep their quotes', 'a/b; as="Table" ;v=v1;;x;y=', ['a/b 1 as="Table" v=v1']],
  ['what is no type is left out', ', ;, json, a/b/c, a/', []],
];
for (const [name, header, expected] of rows) test(name, () => assert.deepStrictEqual(read(header), expected));
