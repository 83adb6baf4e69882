import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import {
  configmaps,
  customresourcedefinitions,
  mutatingwebhookconfigurations,
  tokenreviews,
  validatingwebhookconfigurations,
} from '../../src/api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../src/api/object.ts';
import { eventually } from '../../src/base/eventually.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createAuthority, issueLeaf } from '../../src/pki/certificate.ts';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';
import { startServer, type TestServer } from './start-server.ts';

interface Review {
  request: {
    uid: string;
    name?: string;
    object: { metadata: { name?: string; uid?: string; labels?: Record<string, string> } };
    operation: string;
  };
}

const seen: { path: string; asked: Review['request'] }[] = [];

type Thing = KubernetesObject & { spec: { from?: string | undefined; size?: number } };
const things = (version: string): Resource<Thing> => ({
  group: 'example.com',
  version,
  resource: 'things',
  kind: 'Thing',
  namespaced: true,
});

interface Conversion {
  request: { uid: string; desiredAPIVersion: string; objects: Thing[] };
}

/** Every object says from which version it was converted. */
function converted({ request: { uid, desiredAPIVersion, objects } }: Conversion): object {
  const convertedObjects = objects.map((object) => ({
    ...object,
    apiVersion: desiredAPIVersion,
    spec: { ...object.spec, from: object.apiVersion },
  }));
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    response: { uid, convertedObjects, result: { status: 'Success' } },
  };
}

let server: TestServer;
let client: Client;
let hook: ReturnType<typeof createServer>;
let caBundle: string;
let base: string;

before(async () => {
  server = await startServer();
  client = createClient(server.server.transport({ name: 'admin', groups: ['system:masters'] }));
  const issuer = await createAuthority('webhook-ca');
  const key = await generateKey();
  const cert = issueLeaf({
    issuer,
    publicKey: key,
    subject: { commonName: 'hook', organizations: [] },
    usages: ['server'],
    alternativeNames: ['127.0.0.1'],
  });
  caBundle = Buffer.from(issuer.certificate).toString('base64');
  hook = createServer({ cert, key: keyToPem(key) }, (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      if (request.url?.startsWith('/convert')) {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(converted(JSON.parse(text) as Conversion)));
        return;
      }
      const { request: asked } = JSON.parse(text) as Review;
      seen.push({ path: request.url ?? '', asked });
      const mutate = request.url?.startsWith('/mutate');
      const patch = [{ op: 'add', path: '/data/mutated', value: 'yes' }];
      const bad = asked.object.metadata.labels?.bad === 'true';
      const answer = mutate
        ? { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
        : { allowed: !bad, status: bad ? { message: 'bad is bad', code: 403 } : {} };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: asked.uid, ...answer },
        }),
      );
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  base = `https://127.0.0.1:${(hook.address() as AddressInfo).port}`;
});
after(async () => {
  hook.close();
  await server[Symbol.asyncDispose]();
});

const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }];
const common = { admissionReviewVersions: ['v1'], sideEffects: 'None', rules };

const make = (name: string, labels: Record<string, string> = {}) =>
  client.create(configmaps, { metadata: { name, namespace: 'default', labels }, data: { a: 'b' } });

test('a mutating webhook alters, a validating one refuses, conditions narrow both', async () => {
  await client.create(mutatingwebhookconfigurations, {
    metadata: { name: 'm' },
    webhooks: [
      {
        ...common,
        name: 'm.example.com',
        clientConfig: { url: `${base}/mutate`, caBundle },
        matchConditions: [
          { name: 'wanted', expression: 'object.metadata.name.startsWith("m-") && size(object.data) == 1' },
        ],
      },
    ],
  });
  await client.create(validatingwebhookconfigurations, {
    metadata: { name: 'v' },
    webhooks: [{ ...common, name: 'v.example.com', clientConfig: { url: `${base}/validate`, caBundle } }],
  });
  assert.deepEqual((await make('m-one')).data, { a: 'b', mutated: 'yes' });
  assert.deepEqual((await make('other')).data, { a: 'b' });
  await assert.rejects(make('refused', { bad: 'true' }), {
    message: 'admission webhook "v.example.com" denied the request: bad is bad',
    code: 403,
  });
});

test('a webhook that cannot be reached refuses or is passed over, as its policy says', async () => {
  const dead = { url: 'https://127.0.0.1:1/x', caBundle };
  await client.patch(validatingwebhookconfigurations, 'v', {
    type: 'merge',
    body: { webhooks: [{ ...common, name: 'v.example.com', clientConfig: dead, failurePolicy: 'Ignore' }] },
  });
  await make('passed');
  await client.patch(validatingwebhookconfigurations, 'v', {
    type: 'merge',
    body: { webhooks: [{ ...common, name: 'v.example.com', clientConfig: dead, failurePolicy: 'Fail' }] },
  });
  await assert.rejects(make('failed'), /failed calling webhook "v\.example\.com".*connect: connection refused/);
});

test('a mutating webhook sees what the client has said, a validating one what is to be', async () => {
  const named = (name: string, path: string) => ({
    ...common,
    name,
    clientConfig: { url: `${base}${path}`, caBundle },
  });
  const generated = { name: 'g', expression: 'has(object.metadata.generateName)' };
  await client.patch(mutatingwebhookconfigurations, 'm', {
    type: 'merge',
    body: { webhooks: [{ ...named('m.example.com', '/mutate/g'), matchConditions: [generated] }] },
  });
  await client.patch(validatingwebhookconfigurations, 'v', {
    type: 'merge',
    body: { webhooks: [{ ...named('v.example.com', '/validate/g'), matchConditions: [generated] }] },
  });
  const made = await client.create(configmaps, {
    metadata: { generateName: 'g-', namespace: 'default' },
    data: { a: 'b' },
  });
  const at = (path: string) => seen.find((one) => one.path.startsWith(path))?.asked;
  const [first, last] = [at('/mutate/g'), at('/validate/g')];
  assert.deepEqual(
    [first?.name, first?.object.metadata.name, first?.object.metadata.uid],
    [undefined, undefined, undefined],
  );
  assert.deepEqual([last?.object.metadata.name, last?.object.metadata.uid], [made.metadata.name, made.metadata.uid]);
});

test('reviews are shown to webhooks, too', async () => {
  const rule = { apiGroups: ['authentication.k8s.io'], apiVersions: ['v1'], resources: ['tokenreviews'] };
  await client.create(validatingwebhookconfigurations, {
    metadata: { name: 'reviews' },
    webhooks: [
      {
        ...common,
        name: 'r.example.com',
        rules: [{ ...rule, operations: ['CREATE'] }],
        clientConfig: { url: `${base}/validate`, caBundle },
      },
    ],
  });
  const ask = (labels: Record<string, string>) =>
    client.create(tokenreviews, { metadata: { labels }, spec: { token: 'x' } });
  assert.equal((await ask({})).status?.error, 'invalid bearer token');
  await assert.rejects(ask({ bad: 'true' }), {
    message: 'admission webhook "r.example.com" denied the request: bad is bad',
    code: 403,
  });
  await client.delete(validatingwebhookconfigurations, 'reviews');
});

test('a custom resource is converted between its versions by a webhook', async () => {
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { from: { type: 'string' }, size: { type: 'integer' } } },
      },
    },
  };
  await client.create(customresourcedefinitions, {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      conversion: {
        strategy: 'Webhook',
        webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: `${base}/convert`, caBundle } },
      },
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v2', served: true, storage: false, schema },
      ],
    },
  });
  const made = (): Promise<Thing> =>
    eventually('the resource', () =>
      client.create(things('v1'), {
        apiVersion: 'example.com/v1',
        kind: 'Thing',
        metadata: { name: 't', namespace: 'default' },
        spec: { size: 1 },
      }),
    );
  assert.deepEqual((await made()).spec, { size: 1 });
  const seen = await client.get(things('v2'), 't', { namespace: 'default' });
  assert.deepEqual([seen.apiVersion, seen.spec], ['example.com/v2', { size: 1, from: 'example.com/v1' }]);
  const list = await client.list(things('v2'), { namespace: 'default' });
  assert.deepEqual(
    list.items.map((item) => item.apiVersion),
    ['example.com/v2'],
  );
});
