import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { imageManifestName, signImage, verifyImages } from './image-manifest.ts';

const pair = () =>
  generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

test('an image is right until a byte of it, its manifest or its key is another', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-manifest-'));
  t.after(() => rm(folder, { recursive: true }));
  const key = pair();
  await assert.rejects(verifyImages(folder, key.publicKey), /has no image with a manifest/);
  await writeFile(join(folder, 'k.iso'), 'an image');
  const facts = {
    ...({ name: 'k', target: 'iso', version: '1', arch: 'amd64', flavour: 'vm' } as const),
    ...{ kubernetes: 'v1.36.3', builtAt: 0, rootHash: 'ab' },
  };
  const { bytes, signature } = await signImage(folder, facts, ['k.iso'], key.privateKey);
  const path = join(folder, imageManifestName('k'));
  await writeFile(path, bytes);
  await assert.rejects(verifyImages(folder, key.publicKey), /has no signature/);
  await writeFile(`${path}.sig`, signature);
  assert.deepStrictEqual(await verifyImages(folder, key.publicKey), ['k.iso']);
  await assert.rejects(verifyImages(folder, pair().publicKey), /is not signed with this key/);
  await writeFile(join(folder, 'k.iso'), 'an imagf');
  await assert.rejects(verifyImages(folder, key.publicKey), /has digest .* its manifest says/);
  await writeFile(path, bytes.toString().replace('"vm"', '"metal"'));
  await assert.rejects(verifyImages(folder, key.publicKey), /is not signed with this key/);
});
