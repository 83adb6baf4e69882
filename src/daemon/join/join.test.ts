import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keyToPem } from '../../pki/keys.ts';
import { parseToken } from '../../pki/token.ts';
import { ensureNodeCertificates } from './node-identity.ts';
import { connectCluster } from './remote-cluster.ts';
import { startSupervisor, type TestSupervisor, testSettings } from './testing.ts';

const secrets = { server: 'server-password', agent: 'agent-password' };
let supervisor: TestSupervisor;
before(async () => {
  supervisor = await startSupervisor(secrets);
});
after(() => supervisor[Symbol.asyncDispose]());

const connect = (token: string, nodeName = 'two', nodePassword = 'of-two') =>
  connectCluster({
    server: supervisor.url,
    token: parseToken(token),
    nodeName,
    nodePassword,
    addresses: ['192.0.2.2'],
  });

interface Ask {
  method?: string;
  headers?: Record<string, string>;
  cert?: string;
  key?: string;
}

async function ask(path: string, options: Ask = {}): Promise<{ status: number; text: string }> {
  const { method = 'GET', ...others } = options;
  const sent = request(`${supervisor.url}${path}`, { method, rejectUnauthorized: false, agent: false, ...others });
  sent.end();
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

test('a node joins with a token: authority, settings, servers and certificates of its own name', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-join-'));
  t.after(() => rm(folder, { recursive: true }));
  const cluster = await connect(supervisor.token('node', secrets.agent));
  assert.equal(cluster.serverCa, supervisor.authorities['server-ca'].certificate);
  assert.equal(cluster.clientCa, supervisor.authorities['client-ca'].certificate);
  assert.deepEqual(await cluster.settings(), testSettings);
  assert.deepEqual(await cluster.apiServers(), ['192.0.2.1:6443']);
  const pairs = await ensureNodeCertificates({ folder, nodeName: 'two', addresses: ['192.0.2.2'], cluster });
  const [kubelet, serving] = ['client-kubelet', 'serving-kubelet'].map(
    (name) => new X509Certificate(pairs.get(name)?.certificate ?? ''),
  );
  assert.equal(kubelet?.subject, 'O=system:nodes\nCN=system:node:two');
  assert.ok(kubelet?.verify(new X509Certificate(cluster.clientCa).publicKey));
  assert.ok(serving?.verify(new X509Certificate(cluster.serverCa).publicKey));
  assert.deepEqual([serving?.checkIP('192.0.2.2'), serving?.checkHost('two')], ['192.0.2.2', 'two']);
  const again = await ensureNodeCertificates({ folder, nodeName: 'two', addresses: ['192.0.2.2'], cluster });
  assert.equal(again.get('client-kubelet')?.certificate, pairs.get('client-kubelet')?.certificate);

  const pair = pairs.get('client-kubelet');
  const shown = { cert: pair?.certificate ?? '', key: pair === undefined ? '' : keyToPem(pair.key) };
  assert.equal((await ask('/v1-k3s/config', shown)).status, 200, 'the certificate is enough from then on');
  const other = await ask('/v1-k3s/serving-kubelet.crt', {
    ...shown,
    method: 'POST',
    headers: { 'k3s-node-name': 'three', 'k3s-node-password': 'x' },
  });
  assert.deepEqual(other, { status: 403, text: 'forbidden: another node\n' });
});

test('a password that is no token of this cluster is refused, whoever shows it', async () => {
  await assert.rejects(connect(supervisor.token('node', 'wrong')), { code: 'token-refused', blame: 'user' });
  await assert.rejects(connect('wrong'), { code: 'token-refused' });
  await assert.rejects(connect(supervisor.token('server', secrets.agent)), { code: 'token-refused' });
  await assert.rejects(connect('abcdef.0123456789abcdef'), { code: 'token-refused' });
});

test('a token of another cluster is told apart before anything is sent', async () => {
  const foreign = `K10${'0'.repeat(64)}::node:${secrets.agent}`;
  await assert.rejects(connect(foreign), { code: 'ca-mismatch', blame: 'user' });
});

test('a bootstrap token lets a node in until it ends', async () => {
  const field = (text: string): string => Buffer.from(text).toString('base64');
  const put = (expiration: string): void =>
    void supervisor.client.stored.set('bootstrap-token-abcdef', {
      metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      data: {
        'token-secret': field('0123456789abcdef'),
        'usage-bootstrap-authentication': field('true'),
        expiration: field(expiration),
      },
    } as never);
  put('2999-01-01T00:00:00Z');
  await connect('abcdef.0123456789abcdef');
  put('2001-01-01T00:00:00Z');
  await assert.rejects(connect('abcdef.0123456789abcdef'), { code: 'token-refused' });
});

test('who comes under the name of another node is refused by its password', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-join-'));
  t.after(() => rm(folder, { recursive: true }));
  const certificates = async (password: string) =>
    ensureNodeCertificates({
      folder: join(folder, password),
      nodeName: 'four',
      addresses: [],
      cluster: await connect(supervisor.token('node', secrets.agent), 'four', password),
    });
  await certificates('first');
  await assert.rejects(certificates('second'), {
    code: 'node-password-rejected',
    message: /^Node password rejected, duplicate hostname/,
  });
});

test('a server that is not there is waited for, not given up', async () => {
  const token = parseToken('x');
  const options = { token, nodeName: 'five', nodePassword: 'x', addresses: [] };
  await assert.rejects(connectCluster({ server: 'https://127.0.0.1:1', ...options }), {
    code: 'server-unreachable',
    blame: 'world',
  });
});

test('every path answers in its own shape', async () => {
  const node = basic('node', secrets.agent);
  const rows: [string, Ask, number, RegExp][] = [
    ['/ping', {}, 200, /^pong$/],
    ['/cacerts', {}, 200, /^-----BEGIN CERTIFICATE/],
    ['/v1-k3s/config', {}, 401, /^Unauthorized/],
    ['/v1-k3s/config', { headers: node }, 200, /"ClusterDNSs":\["10\.43\.0\.10"\]/],
    ['/v1-k3s/readyz', { headers: node }, 200, /^ok$/],
    ['/v1-k3s/no-such-thing', { headers: node }, 404, /404 page not found/],
    ['/v1-k3s/client-kubelet.crt', { headers: node }, 405, /POSTed/],
    ['/v1-k3s/client-kubelet.crt', { headers: node, method: 'POST' }, 400, /node name and password must be set/],
    [
      '/v1-k3s/client-kubelet.crt',
      { headers: { ...node, 'k3s-node-name': 'six', 'k3s-node-password': 'x' }, method: 'POST' },
      400,
      /./,
    ],
  ];
  for (const [path, options, status, text] of rows) {
    const answer = await ask(path, options);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    assert.match(answer.text, text);
  }
});
