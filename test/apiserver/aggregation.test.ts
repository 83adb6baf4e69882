import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import { apiservices, endpointslices, services } from '../../src/api/gen/resources.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createAuthority, issueLeaf } from '../../src/pki/certificate.ts';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
let client: Client;
let remote: ReturnType<typeof createServer>;
const users: (string | undefined)[] = [];

before(async () => {
  const issuer = await createAuthority('remote-ca');
  const key = await generateKey();
  const cert = issueLeaf({
    issuer,
    publicKey: key,
    subject: { commonName: 'remote', organizations: [] },
    usages: ['server'],
    alternativeNames: ['things.default.svc'],
  });
  remote = createServer({ cert, key: keyToPem(key) }, (request, response) => {
    users.push(request.headers['x-remote-user'] as string | undefined);
    response.setHeader('content-type', 'application/json');
    const list = {
      kind: 'APIResourceList',
      groupVersion: 'things.example.com/v1',
      resources: [{ name: 'things', singularName: 'thing', namespaced: true, kind: 'Thing', verbs: ['get', 'list'] }],
    };
    response.end(
      JSON.stringify(request.url === '/apis/things.example.com/v1' ? list : { kind: 'ThingList', url: request.url }),
    );
  });
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve));
  const { port } = remote.address() as AddressInfo;
  server = await startServer({
    // The endpoint's address is one that nobody has; here it means the remote server.
    dial: ({ host }) =>
      new Promise((resolve, reject) => {
        if (host !== '192.0.2.9') return reject(new Error('no route to host'));
        const socket = connect({ host: '127.0.0.1', port });
        socket.once('connect', () => resolve(socket));
        socket.once('error', reject);
      }),
  });
  client = createClient(server.server.transport({ name: 'admin', groups: ['system:masters'] }));
  await client.create(services, {
    metadata: { name: 'things', namespace: 'default' },
    spec: { ports: [{ port: 443 }] },
  });
  await client.create(endpointslices, {
    metadata: { name: 'things', namespace: 'default', labels: { 'kubernetes.io/service-name': 'things' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8443 }],
    endpoints: [{ addresses: ['192.0.2.9'], conditions: { ready: true } }],
  });
  await client.create(apiservices, {
    metadata: { name: 'v1.things.example.com' },
    spec: {
      group: 'things.example.com',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 10,
      service: { name: 'things', namespace: 'default' },
      caBundle: Buffer.from(issuer.certificate).toString('base64'),
    },
  });
});
after(async () => {
  remote.close();
  await server[Symbol.asyncDispose]();
});

test('an aggregated server becomes available, discovered and answers as the one who asks', async () => {
  let condition: { status?: string; message?: string } | undefined;
  for (let i = 0; i < 100 && condition?.status !== 'True'; i++) {
    const service = await client.get(apiservices, 'v1.things.example.com');
    condition = service.status?.conditions?.find((c) => c.type === 'Available') as typeof condition;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(condition?.status, 'True', condition?.message);
  const groups = (await client.raw({ method: 'GET', path: '/apis' })) as { groups: { name: string }[] };
  assert.ok(groups.groups.some((group) => group.name === 'things.example.com'));
  const path = '/apis/things.example.com/v1/namespaces/default/things';
  assert.deepEqual(await client.raw({ method: 'GET', path }), { kind: 'ThingList', url: path });
  assert.equal(users.at(-1), 'admin');
});

test('the built-in groups are said to be available too', async () => {
  const service = await client.get(apiservices, 'v1.apps');
  assert.equal(service.status?.conditions?.find((c) => c.type === 'Available')?.reason, 'Local');
});
