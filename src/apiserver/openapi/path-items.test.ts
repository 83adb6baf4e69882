import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OperationFact, readOperationFacts } from '../../api/openapi-facts.ts';
import { tagOf } from './operations.ts';
import { documentV2 } from './v2.ts';

interface Operation {
  tags: string[];
  description: string;
  parameters?: { name: string; in: string }[];
  responses: Record<string, { schema?: { $ref?: string; type?: string } }>;
}
type Item = Record<string, Operation> & { parameters?: { name: string }[] };

const kindAsType = (gvk: NonNullable<OperationFact['gvk']>, list: boolean): string => gvk.kind + (list ? 'List' : '');

async function item(path: string): Promise<Item> {
  const operations = (await readOperationFacts()).filter(
    (operation) => operation.path === path || path.startsWith(`${operation.path}/`),
  );
  const document = documentV2({ operations, types: {}, typeOf: kindAsType, describe: () => undefined });
  return document.paths[path] as Item;
}

test('what every operation of a path takes stands at the path', async () => {
  const { parameters, get, put } = await item('/api/v1/namespaces/{namespace}/configmaps/{name}');
  assert.deepStrictEqual(
    parameters?.map(({ name }) => name),
    ['name', 'namespace', 'pretty'],
  );
  assert.equal(get?.parameters, undefined);
  assert.deepStrictEqual(
    put?.parameters?.map(({ name }) => name),
    ['body', 'dryRun', 'fieldManager', 'fieldValidation'],
  );
});

test('what is no object has its own parameters and answers a text', async () => {
  const { parameters, get } = await item('/api/v1/namespaces/{namespace}/pods/{name}/exec');
  assert.deepStrictEqual(
    parameters?.map(({ name }) => name),
    ['command', 'container', 'name', 'namespace', 'stderr', 'stdin', 'stdout', 'tty'],
  );
  assert.equal(get?.description, 'connect GET requests to exec of Pod');
  assert.deepStrictEqual(get?.responses['200']?.schema, { type: 'string' });
});

test('descriptions and types are those of the resource', async () => {
  const scale = await item('/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale');
  assert.equal(scale.put?.description, 'replace scale of the specified Deployment');
  assert.equal(scale.put?.responses['200']?.schema?.$ref, '#/definitions/Scale');
  const events = await item('/api/v1/namespaces/{namespace}/events');
  assert.equal(events.post?.description, 'create an Event');
  const watched = await item('/api/v1/watch/pods');
  assert.equal(
    watched.get?.responses['200']?.schema?.$ref,
    '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent',
  );
});

test('operations are tagged with group and version', () =>
  assert.deepStrictEqual(
    [
      '/api/v1/pods',
      '/apis/',
      '/apis/rbac.authorization.k8s.io/v1/roles',
      '/apis/my-a.example.com/v1/x',
      '/version/',
    ].map(tagOf),
    ['core_v1', 'apis', 'rbacAuthorization_v1', 'myAExampleCom_v1', 'version'],
  ));
