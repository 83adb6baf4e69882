import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { decodeJwt, signJwt, tokenKey, verifyJwt } from './jwt.ts';

const pem = (type: 'ec' | 'rsa'): string =>
  (type === 'ec'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
  ).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

for (const type of ['ec', 'rsa'] as const)
  test(`a token signed with ${type} is verified by its public key and by no other`, () => {
    const key = tokenKey(pem(type));
    const token = signJwt(key, { sub: 'x' });
    const jwt = decodeJwt(token);
    assert.ok(jwt);
    assert.deepEqual([jwt.claims, jwt.header.kid], [{ sub: 'x' }, key.id]);
    const publicOnly = tokenKey(key.publicKey.export({ type: 'spki', format: 'pem' }) as string);
    assert.equal(verifyJwt(jwt, [publicOnly]), true);
    assert.equal(verifyJwt(jwt, [tokenKey(pem(type))]), false);
  });

test('a header cannot choose the algorithm', () => {
  const key = tokenKey(pem('ec'));
  const [, claims] = signJwt(key, { sub: 'x' }).split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'none', kid: key.id })).toString('base64url');
  const jwt = decodeJwt(`${header}.${claims}.`);
  assert.ok(jwt);
  assert.equal(verifyJwt(jwt, [key]), false);
});

test('what is no token is told apart', () => {
  for (const text of ['', 'a', 'a.b', 'a.b.c', 'bnVsbA.bnVsbA.x']) assert.equal(decodeJwt(text), undefined);
});
