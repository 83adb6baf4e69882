import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../src/base/eventually.ts';
import { startServer } from './start-server.ts';

const lost = [
  '/api/v1/namespaces/default/services/kubernetes',
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes',
  '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
  '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/probes',
];

test('what no cluster can do without comes back', async () => {
  await using server = await startServer({ store: 'memory', more: { firstObjects: { keepMs: 20 } } });
  for (const path of lost) {
    const before = (await server.ask('GET', path)).body.metadata.uid;
    assert.equal((await server.ask('DELETE', path)).status, 200, path);
    await eventually(`${path} to be there again`, async () => {
      const { status, body } = await server.ask('GET', path);
      assert.equal(status, 200);
      assert.notEqual(body.metadata.uid, before);
    });
  }
});

test('the priority classes of the system stay', async () => {
  await using server = await startServer({ store: 'memory' });
  const path = '/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical';
  const { status, body } = await server.ask('DELETE', path);
  assert.equal(status, 403);
  assert.match(body.message, /is forbidden: this is a system priority class and cannot be deleted$/);
});
