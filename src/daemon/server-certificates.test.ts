import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issueLeaf, type KeyPair } from '../pki/certificate.ts';
import { generateKey } from '../pki/keys.ts';
import { liveLeaf } from './server-certificates.ts';

test('who looks at a live leaf after a renewal sees the new pair', async () => {
  const issuer = await createAuthority('ca');
  const pairOf = async (commonName: string): Promise<KeyPair> => {
    const key = await generateKey();
    return { key, certificate: issueLeaf({ issuer, publicKey: key, subject: { commonName }, usages: ['client'] }) };
  };
  let pair = await pairOf('before');
  const live = liveLeaf({ leaf: () => pair }, 'client');
  const first = live.cert;
  pair = await pairOf('after');
  assert.match(new X509Certificate(first).subject, /CN=before/);
  assert.match(new X509Certificate(live.cert).subject, /CN=after/);
  assert.ok(new X509Certificate(live.cert).checkPrivateKey(pair.key));
  assert.equal({ ...live }.cert, pair.certificate);
});
