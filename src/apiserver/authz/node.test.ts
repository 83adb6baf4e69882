import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserInfo } from '../server.ts';
import type { Attributes } from './authorizer.ts';
import { createNodeAuthorizer } from './node.ts';
import { createNodeGraph } from './node-graph.ts';

const one: UserInfo = { name: 'system:node:one', groups: ['system:nodes', 'system:authenticated'] };
const graph = createNodeGraph();
graph.putPod({
  metadata: { name: 'p', namespace: 'ns' },
  spec: {
    nodeName: 'one',
    serviceAccountName: 'robot',
    containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'env' } }] }],
    volumes: [
      { name: 'a', configMap: { name: 'config' } },
      { name: 'b', persistentVolumeClaim: { claimName: 'claim' } },
    ],
  },
});
graph.putVolume({ metadata: { name: 'volume' }, spec: { claimRef: { namespace: 'ns', name: 'claim' } } });
const authorizer = createNodeAuthorizer(graph, [
  { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['services'] },
]);

const ask = (verb: string, resource: string, more: Partial<Attributes> = {}): Attributes => ({
  isResource: true,
  path: '',
  verb,
  group: '',
  version: 'v1',
  resource,
  subresource: '',
  namespace: 'ns',
  name: '',
  ...more,
});
const unrelated = "no relationship found between node 'one' and this object";

const rows: [string, Attributes, true | string][] = [
  ['a config map that a pod mounts', ask('get', 'configmaps', { name: 'config' }), true],
  ['… watched by name', ask('watch', 'configmaps', { name: 'config' }), true],
  ['another config map', ask('get', 'configmaps', { name: 'x' }), unrelated],
  ['all config maps', ask('list', 'configmaps'), 'No Object name found'],
  ['a secret in a variable', ask('get', 'secrets', { name: 'env' }), true],
  ['that secret of another namespace', ask('get', 'secrets', { name: 'env', namespace: 'other' }), unrelated],
  ['writing a secret', ask('update', 'secrets', { name: 'env' }), 'can only read resources of this type'],
  ['the claim', ask('get', 'persistentvolumeclaims', { name: 'claim' }), true],
  ['the volume behind the claim', ask('get', 'persistentvolumes', { name: 'volume', namespace: '' }), true],
  ["a token for the pod's account", ask('create', 'serviceaccounts', { name: 'robot', subresource: 'token' }), true],
  ['a token for another account', ask('create', 'serviceaccounts', { name: 'x', subresource: 'token' }), unrelated],
  ['its own node', ask('get', 'nodes', { name: 'one', namespace: '' }), true],
  [
    'another node',
    ask('get', 'nodes', { name: 'two', namespace: '' }),
    "node 'one' cannot read 'two', only its own Node object",
  ],
  ['its pods', ask('watch', 'pods', { namespace: '', fieldSelector: 'spec.nodeName=one' }), true],
  ['all pods', ask('list', 'pods', { namespace: '' }), 'can only list/watch pods with spec.nodeName field selector'],
  [
    'its lease',
    ask('update', 'leases', { group: 'coordination.k8s.io', namespace: 'kube-node-lease', name: 'one' }),
    true,
  ],
  [
    'another lease',
    ask('update', 'leases', { group: 'coordination.k8s.io', namespace: 'kube-node-lease', name: 'two' }),
    'can only access node lease with the same name as the requesting node',
  ],
  ['what the role of nodes allows', ask('list', 'services', { namespace: '' }), true],
  ['what it does not', ask('delete', 'services', { name: 'x' }), ''],
];
for (const [name, attributes, expected] of rows)
  test(name, () => {
    const { allowed, reason } = authorizer.authorize(one, attributes);
    assert.equal(allowed ? true : reason, expected);
  });

test("somebody who is no node is not this authorizer's business", () => {
  assert.deepEqual(authorizer.authorize({ name: 'bob', groups: [] }, ask('get', 'services')), {
    allowed: false,
    reason: '',
  });
});

test('a pod that is gone takes its references with it', () => {
  const own = createNodeGraph();
  own.putPod({
    metadata: { name: 'p', namespace: 'ns' },
    spec: { nodeName: 'one', containers: [], serviceAccountName: 's' },
  });
  assert.equal(own.reaches('one', 'serviceaccounts', 'ns', 's'), true);
  own.removePod('ns', 'p');
  assert.equal(own.reaches('one', 'serviceaccounts', 'ns', 's'), false);
});
