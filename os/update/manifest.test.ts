import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  manifestBytes,
  parseManifest,
  partitionUuid,
  signManifest,
  type UpdateManifest,
  verifyFile,
  verifyManifest,
} from './manifest.ts';

const rootHash = '0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210';
const manifest: UpdateManifest = {
  format: 'knarr-update/1',
  version: '1.36.4',
  arch: 'amd64',
  kubernetes: 'v1.36.4',
  builtAt: 1_700_000_000,
  rootHash,
  partition: '01234567-89ab-cdef-0123-456789abcdef',
  files: [
    { role: 'root', name: 'root.img', size: 5, sha256: createHash('sha256').update('hello').digest('hex') },
    { role: 'uki', name: 'knarr.efi', size: 2, sha256: 'b'.repeat(64) },
  ],
};

const pair = () =>
  generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

test('what is written is read again', () => {
  assert.deepStrictEqual(parseManifest(manifestBytes(manifest)), manifest);
  assert.equal(partitionUuid(rootHash), manifest.partition);
});

const changed: Record<string, object> = {
  'another form': { format: 'knarr-update/2' },
  'a version that no label can hold': { version: 'a_b' },
  'a version that is too long for a label': { version: 'x'.repeat(30) },
  'another machine’s architecture name': { arch: 'x86' },
  'a partition of another hash': { partition: 'ffffffff-89ab-cdef-0123-456789abcdef' },
  'no kernel': { files: manifest.files.slice(0, 1) },
  'two roots': { files: [...manifest.files, manifest.files[0]] },
  'a file outside': { files: [manifest.files[0], { ...manifest.files[1], name: '../x' }] },
  'no size': { files: [manifest.files[0], { ...manifest.files[1], size: 0 }] },
};
for (const [name, change] of Object.entries(changed))
  test(`refused: ${name}`, () => {
    assert.throws(() => parseManifest(Buffer.from(JSON.stringify({ ...manifest, ...change }))), {
      code: 'update-manifest',
    });
  });

test('a signature by one of the keys is found; a changed byte, another key and no key are refused', () => {
  const [ours, other] = [pair(), pair()];
  const bytes = manifestBytes(manifest);
  const signature = signManifest(bytes, ours.privateKey);
  const keys = [
    { name: 'other', pem: other.publicKey },
    { name: 'ours', pem: ours.publicKey },
  ];
  assert.equal(verifyManifest(bytes, signature, keys).key.name, 'ours');
  const bent = Buffer.from(bytes);
  bent[20] = (bent[20] ?? 0) ^ 1;
  assert.throws(() => verifyManifest(bent, signature, keys), { code: 'update-signature' });
  assert.throws(() => verifyManifest(bytes, signature, keys.slice(0, 1)), { code: 'update-signature' });
  assert.throws(() => verifyManifest(bytes, signature, []), /no key to check/);
});

test('a file is checked by size and digest, and what follows it on a partition does not matter', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-manifest-'));
  try {
    const path = join(folder, 'root.img');
    const [file] = manifest.files;
    assert.ok(file);
    await writeFile(path, 'hello and more');
    await verifyFile(path, file);
    await writeFile(path, 'hellO');
    await assert.rejects(verifyFile(path, file), { code: 'update-digest' });
    await writeFile(path, 'hell');
    await assert.rejects(verifyFile(path, file), { code: 'update-digest' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
