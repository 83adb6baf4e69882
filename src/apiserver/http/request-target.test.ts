import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMalformed, parseQuery } from './request-target.ts';

test('a path with a percent sign that encodes nothing is malformed, a query with one lacks that pair', () => {
  for (const url of ['/api/%zz', '/api/%', '/api/%4?x', '/%2F%g0']) assert.equal(isMalformed(url), true, url);
  for (const url of ['/api/v1', '/api/%2f%FF', '/api?x=%zz', '']) assert.equal(isMalformed(url), false, url);
  assert.deepEqual(
    [...parseQuery('limit=%zz&a=1&b=x;y&c=%3B+%2b&d=%')],
    [
      ['a', '1'],
      ['c', '; +'],
    ],
  );
  assert.deepEqual([...parseQuery('a=%31&b')], Object.entries({ a: '1', b: '' }));
});
