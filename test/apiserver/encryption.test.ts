import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../src/base/eventually.ts';
import { createLogger } from '../../src/base/log.ts';
import { createClient } from '../../src/client/create-client.ts';
import { openSecretsEncryption, type SecretsEncryption } from '../../src/daemon/secrets-encryption.ts';
import type { Backend } from '../../src/store/backend.ts';
import { startKmsPlugin } from '../../src/store/encryption/testing.ts';
import { startServer, type TestServer } from './start-server.ts';

const log = createLogger({ part: 'test', level: 'error' });
const key = (name: string, fill: number, size = 32) => ({ name, secret: Buffer.alloc(size, fill).toString('base64') });
const fileOf = (resources: object[]): string =>
  JSON.stringify({ kind: 'EncryptionConfiguration', apiVersion: 'apiserver.config.k8s.io/v1', resources });

/** Socket paths are short: not in the clone. */
async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-enc-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server whose datastore can be looked into beneath the encryption. */
async function serverOver(encryption: SecretsEncryption): Promise<{ server: TestServer; bare: Backend }> {
  let bare: Backend | undefined;
  const server = await startServer({
    store: 'sqlite',
    backend: (backend) => {
      bare = backend;
      return encryption.wrap(backend);
    },
  });
  return { server, bare: bare as Backend };
}

const begins = async (bare: Backend, at: string): Promise<string> =>
  /^k8s:enc:\w+:v\d:\w+:|^\{/.exec((await bare.get(at))?.value.toString('latin1') ?? '')?.[0] ?? 'nothing';

test('every provider keeps what it is given, by resource, by group and by everything else', async (t) => {
  const folder = await folderOf(t);
  const socket = join(folder, 'kms.sock');
  const plugin = await startKmsPlugin(socket);
  t.after(() => plugin.stop());
  const file = join(folder, 'encryption.json');
  const kms = { kms: { apiVersion: 'v2', name: 'turner', endpoint: `unix://${socket}`, timeout: '3s' } };
  const resources = [
    { resources: ['secrets'], providers: [{ aescbc: { keys: [key('one', 1)] } }, { identity: {} }] },
    { resources: ['configmaps'], providers: [{ aesgcm: { keys: [key('two', 2, 16)] } }] },
    { resources: ['serviceaccounts'], providers: [{ identity: {} }] },
    { resources: ['*.apps'], providers: [{ secretbox: { keys: [key('three', 3)] } }] },
    { resources: ['*.*'], providers: [kms] },
  ];
  await writeFile(file, fileOf(resources));
  const encryption = await openSecretsEncryption({
    folder: join(folder, 'cred'),
    wanted: false,
    kind: 'aescbc',
    own: { file, follow: true },
    log,
  });
  const { server, bare } = await serverOver(encryption);
  await using _running = server;
  encryption.start();
  t.after(() => encryption.stop());
  const make = async (path: string, body: object): Promise<void> => {
    const { status, body: answer } = await server.ask('POST', path, { body });
    assert.equal(status, 201, answer.message);
  };
  const place = '/api/v1/namespaces/default';
  const metadata = { name: 'x' };
  await make(`${place}/secrets`, { metadata, stringData: { a: 'plain text' } });
  await make(`${place}/configmaps`, { metadata, data: { a: 'plain text' } });
  await make(`${place}/serviceaccounts`, { metadata });
  await make(`${place}/services`, { metadata, spec: { ports: [{ port: 80 }] } });
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await make('/apis/apps/v1/namespaces/default/deployments', {
    metadata,
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  });
  assert.deepEqual(
    await Promise.all(
      ['core/secrets', 'core/configmaps', 'core/serviceaccounts', 'core/services', 'apps/deployments'].map((of) =>
        begins(bare, `/registry/${of}/default/x`),
      ),
    ),
    ['k8s:enc:aescbc:v1:one:', 'k8s:enc:aesgcm:v1:two:', '{', 'k8s:enc:kms:v2:turner:', 'k8s:enc:secretbox:v1:three:'],
  );
  assert.deepEqual(
    await Promise.all(
      ['secrets', 'configmaps', 'services'].map(
        async (of) => (await server.ask('GET', `${place}/${of}/x`)).body.metadata.name,
      ),
    ),
    ['x', 'x', 'x'],
  );
  assert.ok(plugin.calls.filter((call) => call === 'Encrypt').length <= 1, 'the plug-in is not asked for each value');

  // Another key first: what is written from then on is sealed with it, what was stays readable.
  const [first, ...rest] = resources;
  const turned = [{ aescbc: { keys: [key('four', 4), key('one', 1)] } }, { identity: {} }];
  await writeFile(file, fileOf([{ ...first, providers: turned }, ...rest]));
  let turn = 0;
  await eventually('a write with the other key', async () => {
    await server.ask('PUT', `${place}/secrets/x`, { body: { metadata, stringData: { a: `turn ${turn++}` } } });
    assert.equal(await begins(bare, '/registry/core/secrets/default/x'), 'k8s:enc:aescbc:v1:four:');
  });
  await assert.rejects(
    encryption.change({ stage: 'rotate_keys' }, createClient(server.server.transport({ name: 'x', groups: [] }))),
    /change them in that file/,
  );
});

test('keys are turned over while the server runs, and Secrets written anew', async (t) => {
  const folder = await folderOf(t);
  const open = (wanted: boolean, kind: 'aescbc' | 'secretbox' = 'aescbc') =>
    openSecretsEncryption({ folder: join(folder, 'cred'), wanted, kind, own: undefined, log });
  const encryption = await open(false);
  const { server, bare } = await serverOver(encryption);
  await using _running = server;
  const client = createClient(server.server.transport({ name: 'system:admin', groups: ['system:masters'] }));
  const at = '/registry/core/secrets/default/x';
  const stored = () => begins(bare, at);
  await server.ask('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: 'x' } } });
  assert.deepEqual([encryption.status(), await stored()], [{ stage: '', activekey: '' }, '{']);

  await encryption.change({ enable: true }, client);
  assert.deepEqual([encryption.status().enable, await stored()], [true, 'k8s:enc:aescbc:v1:aescbckey:']);
  await assert.rejects(
    encryption.change({ stage: 'rotate' }, client),
    /incorrect stage: start found, expected prepare/,
  );
  await encryption.change({ stage: 'prepare' }, client);
  assert.equal(encryption.status().inactivekeys?.length, 1);
  await encryption.change({ stage: 'rotate' }, client);
  assert.equal(await stored(), 'k8s:enc:aescbc:v1:aescbckey:', 'what is stored waits for reencrypt');
  await encryption.change({ stage: 'reencrypt_active' }, client);
  await eventually('all Secrets to be written', () =>
    assert.deepEqual([encryption.status().stage, encryption.status().inactivekeys], ['reencrypt_finished', undefined]),
  );
  const raw = (await bare.get(at))?.value.toString('latin1') ?? '';
  assert.match(raw, /^k8s:enc:aescbc:v1:aescbckey-20/);

  // A start with another kind of key, then a turn to it.
  const other = await open(true, 'secretbox');
  assert.match(other.status().activekey, /^AES-CBC aescbckey-20/);
  await encryption.change({ enable: false }, client);
  assert.deepEqual([encryption.status().enable, await stored()], [false, '{']);
  assert.equal((await server.ask('GET', '/api/v1/namespaces/default/secrets/x')).status, 200);
});
