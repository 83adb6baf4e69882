import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKey, generateRsaKey, publicKeyInfo } from './keys.ts';
import { decodePem, encodePem } from './pem.ts';
import { createRequest, parseRequest } from './request.ts';

const subject = { commonName: 'system:node:a', organizations: ['system:nodes'] };

test('a request is read back as it was made', async () => {
  for (const key of [await generateKey(), await generateRsaKey()]) {
    const { publicKey, ...rest } = parseRequest(
      createRequest({ key, subject, alternativeNames: ['a.example', '10.0.0.1', '::1'] }),
    );
    assert.deepEqual(rest, {
      subject,
      dnsNames: ['a.example'],
      addresses: ['10.0.0.1', '::1'],
      emails: 0,
      uris: 0,
      otherNames: 0,
    });
    assert.deepEqual(publicKeyInfo(publicKey), publicKeyInfo(key));
  }
});

test('a request without alternative names has none', async () => {
  const read = parseRequest(createRequest({ key: await generateKey(), subject }));
  assert.deepEqual([read.dnsNames, read.addresses], [[], []]);
});

test('a request that was changed after signing is refused', async () => {
  const [block] = decodePem(createRequest({ key: await generateKey(), subject }));
  const der = Buffer.from(block?.der ?? '');
  der.write('system:NODE:a', der.indexOf('system:node:a'));
  assert.throws(() => parseRequest(encodePem('CERTIFICATE REQUEST', der)), { code: 'malformed-request' });
});

test('what is no request is refused as the user’s mistake', () => {
  for (const text of ['', 'hello', encodePem('CERTIFICATE REQUEST', Buffer.from('junk'))])
    assert.throws(() => parseRequest(text), { code: 'malformed-request', blame: 'user' });
});
