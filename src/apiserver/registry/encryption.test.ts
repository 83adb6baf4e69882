import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silent } from '../../base/log.ts';
import { parseEncryptionConfiguration } from '../../store/encryption/configuration.ts';
import { createEncryptedBackend } from '../../store/encryption/encrypted-backend.ts';
import { createEncryption } from '../../store/encryption/encryption.ts';
import { createMemoryBackend } from '../../store/memory-backend.ts';
import { startRegistry } from './testing.ts';

const configured = (...names: string[]) =>
  parseEncryptionConfiguration(
    JSON.stringify({
      kind: 'EncryptionConfiguration',
      apiVersion: 'apiserver.config.k8s.io/v1',
      resources: [
        {
          resources: ['secrets'],
          providers: [
            { aescbc: { keys: names.map((name) => ({ name, secret: Buffer.alloc(32, name).toString('base64') })) } },
          ],
        },
      ],
    }),
  );

it('an update that changes nothing writes the object again when its key was replaced, and only then', async () => {
  const stored = createMemoryBackend();
  const encryption = createEncryption({ configuration: configured('key1'), log: silent });
  const backend = createEncryptedBackend({ backend: stored, encryption, log: silent });
  const { use, stop } = await startRegistry({ backend });
  const secrets = use('', 'secrets');
  const made = await secrets.create('a', { data: { a: 'Yg==' } });
  const again = async (): Promise<string | undefined> => (await secrets.put('a', made)).metadata.resourceVersion;
  assert.equal(await again(), made.metadata.resourceVersion);
  await encryption.reload(configured('key2', 'key1'));
  const rewritten = await again();
  assert.notEqual(rewritten, made.metadata.resourceVersion);
  const value = (await stored.get('/registry/core/secrets/default/a'))?.value.toString('latin1');
  assert.ok(value?.startsWith('k8s:enc:aescbc:v1:key2:'));
  made.metadata.resourceVersion = rewritten;
  assert.equal(await again(), rewritten);
  assert.deepEqual((await secrets.get('a')).data, { a: 'Yg==' });
  await stop();
});
