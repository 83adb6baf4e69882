import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { silent } from '../../base/log.ts';
import { createMemoryBackend } from '../memory-backend.ts';
import { parseEncryptionConfiguration } from './configuration.ts';
import { createEncryptedBackend } from './encrypted-backend.ts';
import { createEncryption } from './encryption.ts';
import { startKmsPlugin } from './testing.ts';

it('a KMS v2 plug-in is asked once for many values, again after a restart, and its new key makes values stale', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-kms-'));
  const socket = join(folder, 'kms.sock');
  const plugin = await startKmsPlugin(socket);
  const configuration = parseEncryptionConfiguration(`
    kind: EncryptionConfiguration
    apiVersion: apiserver.config.k8s.io/v1
    resources: [{ resources: [secrets], providers: [{ kms: { apiVersion: v2, name: mine, endpoint: "unix://${socket}" } }] }]
  `);
  const stored = createMemoryBackend();
  await stored.start();
  const over = async () => {
    const encryption = createEncryption({ configuration, log: silent });
    await encryption.start();
    return { encryption, backend: createEncryptedBackend({ backend: stored, encryption, log: silent }) };
  };
  const at = (name: string): string => `/registry/core/secrets/default/${name}`;
  try {
    const first = await over();
    for (const name of ['a', 'b', 'c']) await first.backend.write({ key: at(name), value: Buffer.from(name) });
    assert.equal((await first.backend.get(at('b')))?.value.toString(), 'b');
    assert.ok((await stored.get(at('a')))?.value.toString('latin1').startsWith('k8s:enc:kms:v2:mine:'));
    assert.deepEqual(plugin.calls, ['Status', 'Encrypt']);
    first.encryption.stop();

    plugin.keyId = 'two';
    const second = await over();
    const [check] = second.encryption.checks();
    await check?.();
    assert.equal(plugin.calls.splice(4).join(), 'Status');
    const { entries } = await second.backend.list({ prefix: '/registry/' });
    assert.deepEqual(
      entries.map((entry) => entry.value.toString()),
      ['a', 'b', 'c'],
    );
    assert.deepEqual(plugin.calls, ['Status', 'Encrypt', 'Status', 'Encrypt', 'Decrypt']);
    assert.equal(second.backend.stale(at('a')), true);
    await second.backend.write({ key: at('a'), value: Buffer.from('a') });
    assert.equal(second.backend.stale(at('a')), false);
    second.encryption.stop();
  } finally {
    plugin.stop();
    await stored.stop();
    await rm(folder, { recursive: true });
  }
});
