import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { silent } from '../../base/log.ts';
import descriptor from '../facts/kms-v2.json' with { type: 'json' };
import { createMemoryBackend } from '../memory-backend.ts';
import { parseEncryptionConfiguration } from './configuration.ts';
import { createEncryptedBackend } from './encrypted-backend.ts';
import { createEncryption } from './encryption.ts';

const root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);

/** A plug-in that turns bytes around; `keyId` may be changed under way. */
async function startPlugin(socket: string) {
  const plugin = { keyId: 'one', calls: [] as string[], stop: () => server.forceShutdown() };
  const turned = (bytes: Buffer): Buffer => Buffer.from(bytes).reverse();
  const answers: Record<string, (request: Record<string, Buffer>) => object> = {
    Status: () => ({ version: 'v2', healthz: 'ok', key_id: plugin.keyId }),
    Encrypt: ({ plaintext }) => ({
      ciphertext: turned(plaintext as Buffer),
      key_id: plugin.keyId,
      annotations: { 'x.example.org': Buffer.from('note') },
    }),
    Decrypt: ({ ciphertext }) => ({ plaintext: turned(ciphertext as Buffer) }),
  };
  const server = new Server();
  const methods = Object.keys(answers);
  const codec = (name: string) => root.lookupType(`v2.${name}`);
  const definition = Object.fromEntries(
    methods.map((method) => [
      method,
      {
        path: `/v2.KeyManagementService/${method}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: object) => Buffer.from(codec(`${method}Request`).encode(value).finish()),
        requestDeserialize: (bytes: Buffer) => codec(`${method}Request`).decode(bytes),
        responseSerialize: (value: object) =>
          Buffer.from(
            codec(`${method}Response`)
              .encode(codec(`${method}Response`).fromObject(value as never))
              .finish(),
          ),
        responseDeserialize: (bytes: Buffer) => codec(`${method}Response`).decode(bytes),
      },
    ]),
  );
  const handlers = Object.fromEntries(
    methods.map((method) => [
      method,
      (call: { request: Record<string, Buffer> }, callback: (error: null, value: object) => void) => {
        plugin.calls.push(method);
        callback(null, answers[method]?.(call.request) ?? {});
      },
    ]),
  );
  server.addService(definition, handlers as unknown as UntypedServiceImplementation);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return plugin;
}

it('a KMS v2 plug-in is asked once for many values, again after a restart, and its new key makes values stale', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-kms-'));
  const socket = join(folder, 'kms.sock');
  const plugin = await startPlugin(socket);
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
