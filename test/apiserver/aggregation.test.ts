import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import { apiservices, endpointslices, services } from '../../src/api/gen/resources.ts';
import { eventually } from '../../src/base/eventually.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createAuthority, issueLeaf } from '../../src/pki/certificate.ts';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
let client: Client;
let remote: ReturnType<typeof createServer>;
const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const users: (string | undefined)[] = [];
const admin = { name: 'admin', groups: ['system:masters'] };

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
    const fixed: Record<string, object> = {
      '/apis/things.example.com/v1': list,
      '/openapi/v3': {
        paths: {
          'apis/things.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/things.example.com/v1?hash=A' },
          version: { serverRelativeURL: '/openapi/v3/version?hash=B' },
        },
      },
      '/openapi/v2': {
        paths: { '/apis/things.example.com/v1/': { get: { schema: { $ref: '#/definitions/com.example.Thing' } } } },
        definitions: {
          'com.example.Thing': { properties: { metadata: { $ref: `#/definitions/${objectMeta}` } } },
          [objectMeta]: { description: 'another one' },
        },
      },
    };
    if (request.url?.includes('watch=true')) {
      for (const name of ['a', 'b'])
        response.write(`${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`);
      response.end();
      return;
    }
    response.end(
      JSON.stringify(fixed[request.url ?? ''] ?? { kind: 'ThingList', url: request.url, method: request.method }),
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
  client = createClient(server.server.transport(admin));
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
  await eventually('the server to be available', async () => {
    const service = await client.get(apiservices, 'v1.things.example.com');
    const condition = service.status?.conditions?.find((c) => c.type === 'Available');
    assert.equal(condition?.status, 'True', condition?.message);
  });
  const groups = (await client.raw({ method: 'GET', path: '/apis' })) as { groups: { name: string }[] };
  assert.ok(groups.groups.some((group) => group.name === 'things.example.com'));
  const path = '/apis/things.example.com/v1/namespaces/default/things';
  assert.deepEqual(await client.raw({ method: 'GET', path }), { kind: 'ThingList', url: path, method: 'GET' });
  assert.equal(users.at(-1), 'admin');
});

test('what runs in the process lists, watches and writes there too', async () => {
  const things = { group: 'things.example.com', version: 'v1', resource: 'things', kind: 'Thing', namespaced: true };
  const path = '/apis/things.example.com/v1/namespaces/default/things';
  assert.deepEqual(await client.delete(things, 'one', { namespace: 'default' }).then(() => users.at(-1)), 'admin');
  assert.deepEqual(await client.raw({ method: 'POST', path, body: {} }), {
    kind: 'ThingList',
    url: path,
    method: 'POST',
  });
  const seen: unknown[] = [];
  for await (const { object } of client.watch(things, {})) seen.push(object.metadata.name);
  assert.deepEqual(seen, ['a', 'b']);
});

test('its description is part of ours', async () => {
  const index = (await client.raw({ method: 'GET', path: '/openapi/v3' })) as { paths: Record<string, object> };
  assert.deepEqual(index.paths['apis/things.example.com/v1'], {
    serverRelativeURL: '/openapi/v3/apis/things.example.com/v1?hash=A',
  });
  assert.doesNotMatch(JSON.stringify(index.paths.version), /hash=B/);
  const document = (await client.raw({ method: 'GET', path: '/openapi/v2' })) as {
    definitions: Record<string, { description?: string; properties?: object }>;
  };
  assert.deepEqual(document.definitions['com.example.Thing']?.properties, {
    metadata: { $ref: `#/definitions/${objectMeta}_v2` },
  });
  assert.equal(document.definitions[`${objectMeta}_v2`]?.description, 'another one');
});

test('it is asked while its APIService changes, too', async () => {
  const path = '/apis/things.example.com/v1/namespaces/default/things';
  for (const versionPriority of [20, 30, 40]) {
    const body = { spec: { versionPriority } };
    await client.patch(apiservices, 'v1.things.example.com', { type: 'merge', body });
    assert.deepEqual(await client.raw({ method: 'GET', path }), { kind: 'ThingList', url: path, method: 'GET' });
  }
});

test('a service that is gone is named as the reason', async () => {
  await client.delete(services, 'things', { namespace: 'default' });
  await client.delete(apiservices, 'v1.things.example.com');
  await client.create(apiservices, {
    metadata: { name: 'v2.things.example.com' },
    spec: {
      group: 'things.example.com',
      version: 'v2',
      groupPriorityMinimum: 100,
      versionPriority: 10,
      service: { name: 'things', namespace: 'default' },
    },
  });
  await eventually('the verdict', async () => {
    const service = await client.get(apiservices, 'v2.things.example.com');
    assert.equal(
      service.status?.conditions?.find((c) => c.reason === 'ServiceNotFound')?.message,
      'service/things in "default" is not present',
    );
  });
});

test('the built-in groups are said to be available too', async () => {
  const service = await client.get(apiservices, 'v1.apps');
  assert.equal(service.status?.conditions?.find((c) => c.type === 'Available')?.reason, 'Local');
});

test('a local APIService whose group nobody serves is listed, and no more', async () => {
  const name = 'nobody.example.com';
  const service = (version: string, versionPriority: number) =>
    client.create(apiservices, {
      metadata: { name: `${version}.${name}` },
      spec: { group: name, version, groupPriorityMinimum: 100, versionPriority },
    });
  await service('v1beta1', 5);
  await service('v1', 10);
  const get = (path: string) => server.server.transport(admin).send({ method: 'GET', path });
  await eventually('it is listed', async () => {
    const { body } = await get(`/apis/${name}`);
    assert.deepEqual(
      (body as { versions?: { version: string }[] }).versions?.map(({ version }) => version),
      ['v1', 'v1beta1'],
    );
  });
  assert.match(JSON.stringify((await get('/apis')).body), /nobody\.example\.com\/v1beta1/);
  assert.equal((await get(`/apis/${name}/v1`)).status, 404);
  for (const version of ['v1', 'v1beta1']) await client.delete(apiservices, `${version}.${name}`);
  await eventually('it is gone', async () => assert.equal((await get(`/apis/${name}`)).status, 404));
});
