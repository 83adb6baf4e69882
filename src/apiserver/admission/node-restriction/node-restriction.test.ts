import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generateKey } from '../../../pki/keys.ts';
import { createRequest } from '../../../pki/request.ts';
import type { Attributes, Authorizer } from '../../authz/authorizer.ts';
import { startRegistry } from '../../registry/testing.ts';
import type { AdmissionPlugin } from '../plugin.ts';
import { type Asked, attributes, refusalOf } from '../testing.ts';
import { nodeRestriction } from './node-restriction.ts';

const user = { name: 'system:node:n1', groups: ['system:nodes'] };
const container = { name: 'c', image: 'x' };
let server: Awaited<ReturnType<typeof startRegistry>>;
let plugin: AdmissionPlugin;
const questions: Attributes[] = [];
const uids: Record<string, string> = {};

before(async () => {
  server = await startRegistry();
  const authorizer: Authorizer = {
    authorize(_user, asked) {
      questions.push(asked);
      return { allowed: asked.resource === 'granted', reason: '' };
    },
  };
  plugin = nodeRestriction({ registry: () => server.registry }, authorizer);
  uids.n1 = (await server.use('', 'nodes').create<{ metadata: { uid: string } }>('n1')).metadata.uid;
  const token = { serviceAccountToken: { path: 'token', audience: 'vault' } };
  const volumes = [{ name: 'v', projected: { sources: [token] } }];
  for (const [name, nodeName] of [
    ['mine', 'n1'],
    ['other', 'n2'],
  ] as const) {
    const spec = { nodeName, serviceAccountName: 'default', containers: [container], volumes };
    uids[name] = (await server.use('', 'pods').create<{ metadata: { uid: string } }>(name, { spec })).metadata.uid;
  }
});
after(() => server.stop());

const told = (asked: Omit<Asked, 'user'>): Promise<string | undefined> =>
  refusalOf(plugin, attributes({ namespace: 'default', ...asked, user }));

const owner = () => ({ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: uids.n1, controller: true });
const mirror = (spec: object, owners: object[] = [owner()]) => ({
  metadata: { name: 'm', annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: owners },
  spec: { nodeName: 'n1', containers: [container], ...spec },
});

test('a kubelet makes mirror pods of its own, which need nothing of the API', async () => {
  assert.equal(await told({ on: '/pods', object: mirror({}) }), undefined);
  const cases: [object, string][] = [
    [mirror({}, []), 'node "n1" can only create pods with an owner reference set to itself'],
    [mirror({}, [{ ...owner(), uid: 'x' }]), `node n1 UID mismatch: expected x got ${uids.n1}`],
    [
      mirror({ volumes: [{ name: 'v', csi: { driver: 'd' } }] }),
      'node "n1" can not create pods that reference csidrivers (via CSI volumes)',
    ],
    [mirror({ imagePullSecrets: [{ name: 's' }] }), 'node "n1" can not create pods that reference secrets'],
    [
      { metadata: { name: 'm' }, spec: {} },
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
  ];
  for (const [object, text] of cases) assert.equal(await told({ on: '/pods', object }), text);
});

test('a kubelet deletes and evicts the pods bound to it', async () => {
  const may = (on: string, operation: 'DELETE' | 'CREATE', name: string) =>
    told({ on, operation, name, ...(operation === 'CREATE' ? { object: { metadata: {} } } : {}) });
  assert.equal(await may('/pods', 'DELETE', 'mine'), undefined);
  assert.equal(
    await may('/pods', 'DELETE', 'other'),
    'node "n1" can only delete pods with spec.nodeName set to itself',
  );
  assert.equal(await may('/pods', 'DELETE', 'none'), 'pod "none" not found');
  assert.equal(
    await may('/pods/eviction', 'CREATE', 'other'),
    'node n1 can only evict pods with spec.nodeName set to itself',
  );
  assert.equal(
    await told({ on: '/pods/binding', object: { metadata: { name: 'mine' } } }),
    "unexpected pod subresource \"binding\", only 'status' and 'eviction' are allowed",
  );
});

test("a pod's status says nothing of what others decide", async () => {
  const pod = (labels: object, status: object) => ({
    metadata: { name: 'mine', labels },
    spec: { nodeName: 'n1' },
    status,
  });
  const update = (object: object) =>
    told({ on: '/pods/status', operation: 'UPDATE', object, oldObject: pod({ a: '1', b: '2' }, {}) });
  assert.equal(await update(pod({ b: '2', a: '1' }, { phase: 'Running' })), undefined);
  assert.equal(await update(pod({ a: '2' }, {})), 'node "n1" cannot update labels through pod status');
  assert.equal(
    await update(pod({ a: '1', b: '2' }, { resourceClaimStatuses: [{ name: 'c' }] })),
    'node "n1" cannot update resource claim statues',
  );
});

test('a claim is told to have grown, and nothing else', async () => {
  const claim = (status: object, metadata: object = {}) => ({
    metadata: { name: 'c', ...metadata },
    spec: { a: 1 },
    status,
  });
  const update = (object: object, on = '/persistentvolumeclaims/status') =>
    told({ on, operation: 'UPDATE', object, oldObject: claim({ phase: 'Bound' }) });
  assert.equal(
    await update(claim({ phase: 'Bound', capacity: { storage: '2Gi' } }, { resourceVersion: '7' })),
    undefined,
  );
  assert.match(
    (await update(claim({ phase: 'Lost' }))) ?? '',
    /^node "n1" is not allowed to update fields other than .*: status$/,
  );
  assert.equal(await update(claim({}), '/persistentvolumeclaims'), 'may only update PVC status');
});

test('tokens are for a pod on the node and an audience that it asks for', async () => {
  const ask = (pod: string, audiences: string[], uid = uids[pod]) =>
    told({
      on: '/serviceaccounts/token',
      name: 'default',
      object: { metadata: {}, spec: { audiences, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod, uid } } },
    });
  assert.equal(await ask('mine', ['vault']), undefined);
  assert.equal(await ask('mine', ['granted']), undefined);
  assert.equal(questions.at(-1)?.verb, 'request-serviceaccounts-token-audience');
  assert.equal(await ask('other', ['vault']), 'node requested token bound to a pod scheduled on a different node');
  assert.equal(await ask('mine', ['a', 'b']), 'node may only request 0 or 1 audiences');
  assert.equal(
    await ask('mine', ['x']),
    'audience "x" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience',
  );
  assert.match((await ask('mine', ['vault'], 'x')) ?? '', /^the UID in the bound object reference \(x\)/);
});

test('leases, CSI nodes, slices and signing requests are its own', async () => {
  const named = (name: string) => ({ metadata: { name } });
  const lease = 'coordination.k8s.io/leases';
  assert.equal(await told({ on: lease, object: named('n1'), namespace: 'kube-node-lease' }), undefined);
  assert.equal(
    await told({ on: lease, object: named('n1') }),
    'can only access leases in the "kube-node-lease" system namespace',
  );
  assert.equal(
    await told({ on: 'storage.k8s.io/csinodes', operation: 'DELETE', name: 'n2' }),
    'can only access CSINode with the same name as the requesting node',
  );
  const slice = { metadata: { name: 's' }, spec: { nodeName: 'n2' } };
  assert.equal(
    await told({ on: 'resource.k8s.io/resourceslices', operation: 'DELETE', oldObject: slice }),
    'can only delete ResourceSlice with the same NodeName as the requesting node',
  );
  const key = await generateKey();
  const request = async (commonName: string) => {
    const pem = await createRequest({ key, subject: { commonName, organizations: ['system:nodes'] } });
    const spec = { signerName: 'kubernetes.io/kubelet-serving', request: Buffer.from(pem).toString('base64') };
    return told({ on: 'certificates.k8s.io/certificatesigningrequests', object: { metadata: { name: 'r' }, spec } });
  };
  assert.equal(await request('system:node:n1'), undefined);
  assert.equal(await request('system:node:n2'), 'can only create a node CSR with CN=system:node:n1');
});

test('a node is its own, but for what steers workloads to it', async () => {
  const node = (metadata: object, spec: object = {}) => ({ metadata: { name: 'n1', ...metadata }, spec });
  const update = (object: object) => told({ on: '/nodes', operation: 'UPDATE', object, oldObject: node({}) });
  assert.equal(await update(node({ labels: { 'kubernetes.io/os': 'linux', mine: 'x' } })), undefined);
  assert.equal(
    await update(node({ labels: { 'node-restriction.kubernetes.io/a': 'x', 'kubernetes.io/b': 'x' } })),
    'is not allowed to modify labels: kubernetes.io/b, node-restriction.kubernetes.io/a',
  );
  assert.equal(await update(node({}, { taints: [{ key: 'a' }] })), 'node "n1" is not allowed to modify taints');
  const other = { metadata: { name: 'n2' } };
  assert.equal(await told({ on: '/nodes', object: other }), 'node "n1" is not allowed to modify node "n2"');
});
