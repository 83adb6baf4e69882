import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configmaps, nodes } from '../api/gen/resources.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import { withRoles } from './cluster-objects.ts';

test('a server registers its own node with its role; all else the kubelet asks for itself', async () => {
  const asked: [string, KubernetesObject][] = [];
  const clientOf = (who: string): Client =>
    ({
      create: async (_: unknown, object: KubernetesObject) => {
        asked.push([who, object]);
        return object;
      },
    }) as unknown as Client;
  const client = withRoles(clientOf('kubelet'), clientOf('server'));
  await client.create(nodes, { metadata: { name: 'one', labels: { a: 'b' } } });
  await client.create(configmaps, { metadata: { name: 'x', namespace: 'y' } });
  assert.deepEqual(asked, [
    ['server', { metadata: { name: 'one', labels: { a: 'b', 'node-role.kubernetes.io/control-plane': 'true' } } }],
    ['kubelet', { metadata: { name: 'x', namespace: 'y' } }],
  ]);
});
