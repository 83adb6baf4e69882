import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CustomResourceDefinition } from '../../src/api/gen/apiextensions-v1.ts';
import { apiservices, customresourcedefinitions } from '../../src/api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../src/api/object.ts';
import { isApiError } from '../../src/api/status.ts';
import { eventually } from '../../src/base/eventually.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { startServer, type TestServer } from './start-server.ts';

type Widget = KubernetesObject & {
  spec: { size: number; color?: string; extra?: number };
  status?: { phase?: string };
};
const widgets: Resource<Widget> = {
  group: 'example.com',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

const definition: CustomResourceDefinition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1 },
                  color: { type: 'string', default: 'red', enum: ['red', 'blue'] },
                },
              },
              status: { type: 'object', properties: { phase: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};

let server: TestServer;
let client: Client;
before(async () => {
  server = await startServer();
  client = createClient(server.server.transport({ name: 'admin', groups: ['system:masters'] }));
});
after(() => server[Symbol.asyncDispose]());

const established = (): Promise<void> =>
  eventually('the definition to be established', async () => {
    const found = await client.get(customresourcedefinitions, 'widgets.example.com');
    assert.ok(found.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True'));
  });
const place = { namespace: 'default' };
const widget = (name: string, spec: Widget['spec']): Widget => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  spec,
});

test('a watch of what is not served is refused as that', async () => {
  const watching = async (): Promise<void> => {
    for await (const _ of client.watch(widgets, place)) return;
  };
  await assert.rejects(watching, (error: unknown) => isApiError(error, 'NotFound'));
});

test('a definition is served without a restart: defaults, pruning, validation, status', async () => {
  await client.create(customresourcedefinitions, definition);
  await established();
  const made = await client.create(widgets, { ...widget('a', { size: 2, extra: 1 }), status: { phase: 'no' } });
  assert.deepEqual([made.spec, made.status, made.metadata.generation], [{ size: 2, color: 'red' }, undefined, 1]);
  await assert.rejects(client.create(widgets, widget('b', { size: 0, color: 'green' })), {
    message:
      'Widget.example.com "b" is invalid: [spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1, spec.color: Unsupported value: "green": supported values: "red", "blue"]',
  });
  const patched = await client.patch(
    widgets,
    'a',
    { type: 'merge', body: { spec: { size: 5 }, status: { phase: 'Done' } } },
    { ...place, subresource: 'status' },
  );
  assert.deepEqual([patched.spec.size, patched.status, patched.metadata.generation], [2, { phase: 'Done' }, 1]);
});

test('discovery and the published API follow', async () => {
  const list = (await client.raw({ method: 'GET', path: '/apis/example.com/v1' })) as { resources: { name: string }[] };
  assert.deepEqual(
    list.resources.map((resource) => resource.name),
    ['widgets', 'widgets/status'],
  );
  const document = (await client.raw({ method: 'GET', path: '/openapi/v3/apis/example.com/v1' })) as {
    components: { schemas: Record<string, unknown> };
  };
  assert.ok(document.components.schemas['com.example.v1.Widget']);
});

test('objects stored before a definition changed are read as it is now: version, defaults', async () => {
  const patch = [
    { op: 'add', path: '/spec/versions/0/storage', value: false },
    {
      op: 'add',
      path: '/spec/versions/-',
      value: {
        ...structuredClone(definition.spec.versions[0]),
        name: 'v2',
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  color: { type: 'string' },
                  shape: { type: 'string', default: 'round' },
                },
              },
            },
          },
        },
      },
    },
  ];
  await client.patch(customresourcedefinitions, 'widgets.example.com', { type: 'json', body: patch });
  const second = { ...widgets, version: 'v2' };
  const before = await eventually('the second version', () => client.get(second, 'a', place));
  assert.deepEqual([before.apiVersion, before.spec], ['example.com/v2', { size: 2, color: 'red', shape: 'round' }]);
  assert.deepEqual((await client.list(second, place)).items[0]?.spec, before.spec);
  const rewritten = await client.update(second, structuredClone(before));
  assert.notEqual(rewritten.metadata.resourceVersion, before.metadata.resourceVersion);
  const again = await client.update(second, structuredClone(rewritten));
  assert.equal(again.metadata.resourceVersion, rewritten.metadata.resourceVersion);
});

test('a version that is served no more has no APIService, until it is served again', async () => {
  const serve = (value: boolean) =>
    client.patch(customresourcedefinitions, 'widgets.example.com', {
      type: 'json',
      body: [{ op: 'replace', path: '/spec/versions/0/served', value }],
    });
  const service = (version: string) => client.get(apiservices, `${version}.example.com`);
  await serve(false);
  await eventually('the first version to be gone', () =>
    assert.rejects(service('v1'), (error) => isApiError(error, 'NotFound')),
  );
  await service('v2');
  await serve(true);
  await eventually('the first version to be back', () => service('v1'));
});

test('a definition goes after its objects, and its path and group with it', async () => {
  await client.delete(customresourcedefinitions, 'widgets.example.com');
  await eventually('the path to be gone', () =>
    assert.rejects(client.list(widgets, place), (error) => isApiError(error, 'NotFound')),
  );
  const path = '/apis/example.com';
  await eventually('the group to be gone', () =>
    assert.rejects(client.raw({ method: 'GET', path }), (error) => isApiError(error, 'NotFound')),
  );
});
