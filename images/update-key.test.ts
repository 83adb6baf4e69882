import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type UpdateManifest, verifyManifest } from '../os/update/manifest.ts';
import { defaultKeyPath, updateSigner, writeSigned } from './update-key.ts';

test('the key is made once, for its user alone, and signs what its public half verifies', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-key-'));
  t.after(() => rm(folder, { recursive: true }));
  const before = process.env.KNARR_UPDATE_KEY;
  t.after(() => {
    if (before === undefined) delete process.env.KNARR_UPDATE_KEY;
    else process.env.KNARR_UPDATE_KEY = before;
  });
  process.env.KNARR_UPDATE_KEY = join(folder, 'new/key.pem');
  const made = await updateSigner();
  assert.equal((await stat(made.path)).mode & 0o777, 0o600);
  assert.deepStrictEqual(await updateSigner(), made);
  const rootHash = 'ab'.repeat(32);
  const manifest: UpdateManifest = {
    format: 'knarr-update/1',
    version: '1',
    arch: 'amd64',
    kubernetes: 'v1.36.3',
    builtAt: 0,
    rootHash,
    partition: 'abababab-abab-abab-abab-abababababab',
    files: [
      { role: 'root', name: 'root.img', size: 1, sha256: rootHash },
      { role: 'uki', name: 'knarr.efi', size: 1, sha256: rootHash },
    ],
  };
  await writeSigned(folder, manifest, made);
  const bytes = await readFile(join(folder, 'manifest.json'));
  const signature = await readFile(join(folder, 'manifest.json.sig'), 'utf8');
  assert.deepStrictEqual(verifyManifest(bytes, signature, [{ name: 'x', pem: made.publicKey }]).manifest, manifest);
});

test('a key that is none, or is not there though named, is refused with what to do', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-key-'));
  t.after(() => rm(folder, { recursive: true }));
  await assert.rejects(updateSigner(join(folder, 'none.pem')), /the key for updates: .*none\.pem/);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  await writeFile(join(folder, 'rsa.pem'), rsa.export({ type: 'pkcs8', format: 'pem' }));
  await assert.rejects(updateSigner(join(folder, 'rsa.pem')), /it is rsa\); openssl genpkey -algorithm ed25519/);
});

test('where the key is', () => {
  assert.equal(defaultKeyPath({ KNARR_UPDATE_KEY: '/k' }), '/k');
  assert.equal(defaultKeyPath({ XDG_CONFIG_HOME: '/c' }), '/c/knarr/update-key.pem');
});
