import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silent } from '../../base/log.ts';
import type { Backend } from '../backend.ts';
import { testBackend } from '../backend-contract.ts';
import { createMemoryBackend } from '../memory-backend.ts';
import { parseEncryptionConfiguration } from './configuration.ts';
import { createEncryptedBackend } from './encrypted-backend.ts';
import { createEncryption } from './encryption.ts';
import {
  configurationOf,
  firstK3sKeys,
  type K3sEncryption,
  readK3sFile,
  withLastKeyFirst,
  withNewKey,
  withoutOldKeys,
  writeK3sFile,
} from './k3s-file.ts';

const secret = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const key = (name: string, fill = 1) => ({ name, secret: secret(fill) });
const configuration = (providers: object[], resources = ['secrets']) =>
  parseEncryptionConfiguration(
    JSON.stringify({
      kind: 'EncryptionConfiguration',
      apiVersion: 'apiserver.config.k8s.io/v1',
      resources: [{ resources, providers }],
    }),
  );

async function overMemory(providers: object[], resources?: string[]) {
  const stored = createMemoryBackend();
  const encryption = createEncryption({ configuration: configuration(providers, resources), log: silent });
  const backend = createEncryptedBackend({ backend: stored, encryption, log: silent });
  await backend.start();
  return { stored, encryption, backend };
}

const a = '/registry/core/secrets/default/a';
const text = async (backend: Backend, at: string): Promise<string> => (await backend.get(at))?.value.toString() ?? '';

testBackend('encrypted backend', async () => {
  const { backend } = await overMemory([{ aesgcm: { keys: [key('key1')] } }], ['*.*']);
  return { backend, end: () => backend.stop() };
});

describe('encryption at rest', () => {
  it('says which key a value wants that nothing is configured for any more', async () => {
    const { stored, backend } = await overMemory([{ aescbc: { keys: [key('key1')] } }]);
    await backend.write({ key: a, value: Buffer.from('hidden') });
    const encryption = createEncryption({ configuration: { resources: [] }, log: silent });
    const bare = createEncryptedBackend({ backend: stored, encryption, log: silent });
    await assert.rejects(
      bare.get(a),
      /is stored with key "key1" of provider aescbc.*put it back into the configuration/,
    );
  });

  it('stores with the first key, under upstream’s prefixes, and only what it is told to', async () => {
    for (const kind of ['aescbc', 'aesgcm', 'secretbox']) {
      const { stored, backend } = await overMemory([{ [kind]: { keys: [key('key1'), key('key2', 2)] } }]);
      await backend.write({ key: a, value: Buffer.from('hidden') });
      await backend.write({ key: '/registry/core/configmaps/default/a', value: Buffer.from('seen') });
      const kept = (await stored.get(a))?.value.toString('latin1') ?? '';
      assert.ok(kept.startsWith(`k8s:enc:${kind}:v1:key1:`) && !kept.includes('hidden'), kept);
      assert.equal(await text(backend, a), 'hidden');
      assert.equal(await text(stored, '/registry/core/configmaps/default/a'), 'seen');
    }
  });

  it('reads with any key, writes with the first, and knows what is stale', async () => {
    const { encryption, backend } = await overMemory([{ identity: {} }]);
    await backend.write({ key: a, value: Buffer.from('1') });
    const steps = [
      [{ aescbc: { keys: [key('key1')] } }, { identity: {} }],
      [{ aescbc: { keys: [key('key2', 2), key('key1')] } }],
      [{ secretbox: { keys: [key('key1', 3)] } }, { aescbc: { keys: [key('key2', 2)] } }],
    ];
    for (const providers of steps) {
      await encryption.reload(configuration(providers));
      assert.equal(await text(backend, a), '1');
      assert.equal(backend.stale(a), true);
      await backend.write({ key: a, value: Buffer.from('1') });
      assert.equal(backend.stale(a), false);
    }
  });

  it('names the key that is missing or another one', async () => {
    const { encryption, backend } = await overMemory([{ aesgcm: { keys: [key('old')] } }]);
    await backend.write({ key: a, value: Buffer.from('1') });
    await encryption.reload(configuration([{ aesgcm: { keys: [key('new', 2)] } }, { identity: {} }]));
    await assert.rejects(backend.get(a), {
      code: 'encryption-key',
      message: /stored with key "old" of provider aesgcm, which the .* (?:not have|does not open it)/,
    });
    await encryption.reload(configuration([{ aesgcm: { keys: [key('old', 9)] } }]));
    await assert.rejects(
      backend.list({ prefix: '/registry/' }),
      /key "old" of provider aesgcm, which does not open it/,
    );
    await encryption.reload(configuration([{ aesgcm: { keys: [key('old', 9)] } }, { aesgcm: { keys: [key('old')] } }]));
    assert.equal(await text(backend, a), '1');
  });

  it('tells everything that is wrong with a configuration, and no secret', () => {
    const bad = () =>
      configuration(
        [{ aescbc: { keys: [{ name: 'k', secret: 'c2hvcnQ=' }] } }, {}, { kms: { name: 'a:b', endpoint: 'tcp://x' } }],
        ['secrets', '*.', 'Pods', '*'],
      );
    assert.throws(bad, (error: Error) => {
      for (const part of ['got 5, expected one of [16 24 32]', 'overlapping', 'capital letters', 'only unix', "':'"])
        assert.ok(error.message.includes(part), part);
      assert.ok(!error.message.includes('c2hvcnQ='));
      return true;
    });
  });

  it('keeps its keys in the file of K3s', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'knarr-encryption-'));
    const path = join(folder, 'cred/encryption-config.json');
    try {
      assert.equal(await readK3sFile(path), undefined);
      const first = firstK3sKeys('aescbc');
      await writeK3sFile(path, first);
      assert.deepEqual(await readK3sFile(path), first);
      const file = JSON.parse(await readFile(path, 'utf8'));
      assert.equal(file.resources[0].providers[0].aescbc.keys[0].name, 'aescbckey');
      const { encryption, backend } = await overMemory([{ identity: {} }]);
      const write = (): Promise<unknown> => backend.write({ key: a, value: Buffer.from('1') });
      const take = (next: K3sEncryption): Promise<void> => encryption.reload(configurationOf(next));
      await take(first);
      await write();
      const second = withNewKey(first, 'secretbox');
      await take(second);
      assert.deepEqual([await text(backend, a), backend.stale(a)], ['1', false]);
      const third = withLastKeyFirst(second, 'secretbox');
      await take(third);
      assert.deepEqual([await text(backend, a), backend.stale(a)], ['1', true]);
      await write();
      const last = withoutOldKeys(third);
      assert.deepEqual([last.keys.aescbc.length, last.keys.secretbox.length], [0, 1]);
      await take(last);
      assert.equal(await text(backend, a), '1');
      await writeK3sFile(path, { ...last, enabled: false });
      assert.deepEqual(await readK3sFile(path), { ...last, enabled: false });
      await take({ ...last, enabled: false });
      assert.deepEqual([await text(backend, a), backend.stale(a)], ['1', true]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
