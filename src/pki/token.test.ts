import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bootstrapTokenPattern,
  caHash,
  checkAuthority,
  formatToken,
  generateBootstrapToken,
  parseToken,
  sameSecret,
} from './token.ts';

const ca = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';

test('tokens are read in all their forms', () => {
  const hash = caHash(ca);
  const rows: [string, ReturnType<typeof parseToken>][] = [
    [formatToken(ca, 'server', 'a:b'), { caHash: hash, user: 'server', password: 'a:b' }],
    ['secret\n', { user: 'node', password: 'secret' }],
    ['abcdef.0123456789abcdef', { user: 'node', password: 'abcdef.0123456789abcdef' }],
    [`K10${hash}::abcdef.0123456789abcdef`, { caHash: hash, user: 'node', password: 'abcdef.0123456789abcdef' }],
  ];
  for (const [text, expected] of rows) assert.deepEqual(parseToken(text), expected);
});

test('half a token is refused', () => {
  for (const text of ['', 'K10abc::server:x', `K10${caHash(ca)}::server`, `K10${caHash(ca)}::server:`])
    assert.throws(() => parseToken(text), { code: 'malformed-token' });
});

test('a token of another cluster does not go with this authority', () => {
  checkAuthority(parseToken(formatToken(ca, 'server', 'x')), ca);
  checkAuthority(parseToken('x'), ca);
  assert.throws(() => checkAuthority(parseToken(formatToken(`${ca}y`, 'server', 'x')), ca), { code: 'ca-mismatch' });
});

test('bootstrap tokens have their form', () => assert.match(generateBootstrapToken(), bootstrapTokenPattern));

test('secrets are compared by value', () => {
  assert.deepEqual([sameSecret('a', 'a'), sameSecret('a', 'b'), sameSecret('a', 'aa')], [true, false, false]);
});
