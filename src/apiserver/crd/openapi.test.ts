import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomResourceDefinition } from '../../api/gen/apiextensions-v1.ts';
import { openApiAdditions } from './openapi.ts';

const version = (name: string, served: boolean) => ({
  name,
  served,
  storage: served,
  subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
  schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
});
const crd: CustomResourceDefinition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Cluster',
    names: { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList' },
    versions: [version('v1', true), version('v2', false)],
  },
};

test('served versions are published with their subresources, the scale with a body of its own kind', () => {
  const [addition, ...others] = openApiAdditions([crd]);
  assert.deepStrictEqual([addition?.path, others], ['apis/example.com/v1', []]);
  const paths = new Map(addition?.operations.map((o) => [`${o.method} ${o.path}`, (o.body ?? o.gvk)?.kind]));
  assert.deepStrictEqual(
    [
      paths.get('get /apis/example.com/v1/widgets'),
      paths.get('put /apis/example.com/v1/widgets/{name}/status'),
      paths.get('patch /apis/example.com/v1/widgets/{name}/scale'),
    ],
    ['Widget', 'Widget', 'Scale'],
  );
  assert.equal(
    addition?.operations.find((o) => o.action === 'deletecollection')?.id,
    'deleteExampleComV1CollectionWidget',
  );
  assert.equal(addition?.types.v2['com.example.v1.Widget']?.properties, undefined);
  assert.ok(addition?.types.v3['com.example.v1.Widget']?.properties?.metadata);
});
