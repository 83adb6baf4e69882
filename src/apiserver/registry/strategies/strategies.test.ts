import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Deployment } from '../../../api/gen/apps-v1.ts';
import type { Scale } from '../../../api/gen/autoscaling-v1.ts';
import type { Job } from '../../../api/gen/batch-v1.ts';
import type { CertificateSigningRequest } from '../../../api/gen/certificates-v1.ts';
import type { Namespace, Pod, Secret, Service } from '../../../api/gen/core-v1.ts';
import { startRegistry } from '../testing.ts';

type Running = Awaited<ReturnType<typeof startRegistry>>;

const podSpec = { spec: { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 30 } };
const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

/** A PEM certificate request for CN=x, in base64. */
const request = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIR01HNENBUUF3RERFS01BZ0dBMVVFQXd3QmVEQlpNQk1HQnlxR1NNNDlBZ0',
  'VHQ0NxR1NNNDlBd0VIQTBJQQpCRzVSaGc0bHRidXZMQUJCdHF4djFENU14cENHVVlydWt4d1EwQzcyUnVuV3ZRV1NSZEdTTk1qdlIvczFnSVhS',
  'CnZ5WEVzV3Uva0hTd0lieS9MT1d1YithZ0FEQUtCZ2dxaGtqT1BRUURBZ05JQURCRkFpQmtDN3hyZncyVXNnQ0wKWU93VDJRbXA0NnFZS2o2Tm',
  'RzaHBTQnY4Zm5TVlZnSWhBTmdOczcra0JxRjdoRmsxMEVMS2VGOVNWaXg2WDllcQp0L29jQVRNanQ1YUUKLS0tLS1FTkQgQ0VSVElGSUNBVEUg',
  'UkVRVUVTVC0tLS0tCg==',
].join('');

describe('strategies', () => {
  let running: Running;
  before(async () => {
    running = await startRegistry({ services: { cidrs: ['10.43.0.0/24'], nodePorts: { from: 30_000, to: 30_010 } } });
  });
  after(() => running.stop());

  describe('pods', () => {
    it('begin Pending, are bound once, and go when their node says so', async () => {
      const pods = running.use('', 'pods');
      const made = await pods.create<Pod>('p', { ...podSpec, status: { phase: 'Running' } });
      assert.deepEqual([made.status, made.metadata.generation], [{ phase: 'Pending', qosClass: 'BestEffort' }, 1]);
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'p' },
        target: { kind: 'Node', name: 'n' },
      };
      assert.equal((await pods.post<{ status: string }>('p', 'binding', binding)).status, 'Success');
      assert.equal((await pods.get<Pod>('p')).spec?.nodeName, 'n');
      await assert.rejects(pods.post('p', 'binding', binding), {
        message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"',
      });
      const marked = await pods.delete('p');
      assert.deepEqual([marked.deleted, marked.stored.object.metadata.deletionGracePeriodSeconds], [false, 30]);
      const again = await pods.delete('p');
      assert.equal(again.stored.revision, marked.stored.revision);
      assert.equal((await pods.delete('p', { gracePeriodSeconds: 0 })).deleted, true);
      await assert.rejects(pods.get('p'), { code: 404 });
    });

    it('keep spec and status apart', async () => {
      const pods = running.use('', 'pods');
      await pods.create('apart', podSpec);
      const status = await pods.merge<Pod>(
        'apart',
        { spec: { nodeName: 'x' }, status: { phase: 'Running' } },
        'status',
      );
      assert.deepEqual([status.spec?.nodeName, status.status?.phase], [undefined, 'Running']);
      const spec = await pods.merge<Pod>('apart', { metadata: { labels: { a: 'b' } }, status: { phase: 'Failed' } });
      assert.deepEqual([spec.metadata.labels, spec.status?.phase], [{ a: 'b' }, 'Running']);
      assert.equal((await pods.delete('apart')).deleted, true);
    });

    it('are only evicted when their budget has room', async () => {
      const pods = running.use('', 'pods');
      const budgets = running.use('policy', 'poddisruptionbudgets');
      await pods.create('e', { ...podSpec, metadata: { labels: { app: 'e' } } });
      const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
      await pods.merge('e', { status: ready }, 'status');
      await budgets.create('b', { spec: { minAvailable: 1, selector: { matchLabels: { app: 'e' } } } });
      await budgets.merge(
        'b',
        {
          status: {
            observedGeneration: 1,
            disruptionsAllowed: 0,
            currentHealthy: 1,
            desiredHealthy: 1,
            expectedPods: 1,
          },
        },
        'status',
      );
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'e' } };
      await assert.rejects(
        pods.post('e', 'eviction', structuredClone(eviction)),
        (error: { status: { details: object } }) => {
          assert.deepEqual(error.status.details, {
            causes: [
              {
                reason: 'DisruptionBudget',
                message: 'The disruption budget b needs 1 healthy pods and has 1 currently',
              },
            ],
          });
          return true;
        },
      );
      await budgets.merge('b', { status: { disruptionsAllowed: 1 } }, 'status');
      await pods.post('e', 'eviction', structuredClone(eviction));
      await assert.rejects(pods.get('e'), { code: 404 });
    });
  });

  describe('services', () => {
    const ports = [{ port: 80, protocol: 'TCP' }];

    it('get an address and keep it', async () => {
      const services = running.use('', 'services');
      const made = await services.create<Service>('s', { spec: { ports, selector: { a: 'b' } } });
      const { clusterIP = '', clusterIPs, ipFamilies, ipFamilyPolicy } = made.spec ?? {};
      assert.match(clusterIP, /^10\.43\.0\.\d+$/);
      assert.deepEqual([clusterIPs, ipFamilies, ipFamilyPolicy], [[clusterIP], ['IPv4'], 'SingleStack']);
      const put = await services.put<Service>('s', services.draft('s', { spec: { ports, selector: { c: 'd' } } }));
      assert.equal(put.spec?.clusterIP, clusterIP);
      await assert.rejects(services.create('t', { spec: { ports, clusterIP } }), {
        message: `Service "t" is invalid: spec.clusterIPs: Invalid value: ["${clusterIP}"]: failed to allocate IP ${clusterIP}: provided IP is already allocated`,
      });
      await services.delete('s');
      assert.equal((await services.create<Service>('t', { spec: { ports, clusterIP } })).spec?.clusterIP, clusterIP);
      await services.delete('t');
    });

    it('get node ports, and lose them with their type', async () => {
      const services = running.use('', 'services');
      const both = [
        { name: 'a', port: 53, protocol: 'UDP' },
        { name: 'b', port: 53, protocol: 'TCP' },
      ];
      const made = await services.create<Service>('n', { spec: { type: 'NodePort', ports: both } });
      const [a, b] = made.spec?.ports ?? [];
      assert.equal(a?.nodePort, b?.nodePort);
      const back = await services.merge<Service>('n', { spec: { type: 'ClusterIP' } });
      assert.deepEqual(
        back.spec?.ports?.map((p) => p.nodePort),
        [undefined, undefined],
      );
      const again = { type: 'NodePort', ports: [{ port: 1, nodePort: a?.nodePort }] };
      assert.ok(await services.create('m', { spec: again }));
      await assert.rejects(services.create('o', { spec: again }), /provided port is already allocated/);
      await services.delete('m');
      await services.delete('n');
    });

    it('without a selector and headless have every family', async () => {
      const services = running.use('', 'services');
      const made = await services.create<Service>('h', { spec: { clusterIP: 'None', ports } });
      assert.deepEqual([made.spec?.clusterIPs, made.spec?.ipFamilies], [['None'], ['IPv4', 'IPv6']]);
    });
  });

  it('namespaces stay until their finalizers are gone', async () => {
    const namespaces = running.use('', 'namespaces');
    const made = await namespaces.create<Namespace>('ns');
    assert.deepEqual([made.spec, made.status], [{ finalizers: ['kubernetes'] }, { phase: 'Active' }]);
    assert.equal((await namespaces.delete('ns')).deleted, false);
    const going = await namespaces.get<Namespace>('ns');
    assert.deepEqual([going.status?.phase, going.metadata.deletionGracePeriodSeconds], ['Terminating', undefined]);
    assert.equal((await namespaces.delete('ns')).stored.revision, Number(going.metadata.resourceVersion));
    await namespaces.put('ns', { ...going, spec: {} }, 'finalize');
    await assert.rejects(namespaces.get('ns'), { code: 404 });
  });

  it('deployments count their generations and scale', async () => {
    const deployments = running.use('apps', 'deployments');
    const spec = { replicas: 1, selector: { matchLabels: { app: 'x' } }, template };
    await deployments.create('d', { spec });
    const scale = await deployments.get<Scale>('d', 'scale');
    assert.deepEqual([scale.spec, scale.status], [{ replicas: 1 }, { replicas: 0, selector: 'app=x' }]);
    const scaled = await deployments.merge<Scale>('d', { spec: { replicas: 3 } }, 'scale');
    assert.equal(scaled.spec?.replicas, 3);
    const now = await deployments.get<Deployment>('d');
    assert.deepEqual([now.spec?.replicas, now.metadata.generation], [3, 2]);
    await deployments.merge('d', { status: { replicas: 3, observedGeneration: 2 } }, 'status');
    assert.equal((await deployments.get<Deployment>('d')).metadata.generation, 2);
    await assert.rejects(deployments.merge('d', { spec: { replicas: -1 } }, 'scale'), { code: 422 });
    const foreground = await deployments.delete('d', { propagationPolicy: 'Foreground' });
    assert.deepEqual(foreground.stored.object.metadata.finalizers, ['foregroundDeletion']);
  });

  it('secrets take texts and keep bytes', async () => {
    const secrets = running.use('', 'secrets');
    const made = await secrets.create<Secret>('s', { data: { a: 'YQ==' }, stringData: { b: 'b' }, type: 'Opaque' });
    assert.deepEqual([made.data, made.stringData], [{ a: 'YQ==', b: 'Yg==' }, undefined]);
    const changed = await secrets.merge<Secret>('s', { stringData: { a: 'c' } });
    assert.deepEqual(changed.data, { a: 'Yw==', b: 'Yg==' });
  });

  it('jobs select their own pods', async () => {
    const made = await running.use('batch', 'jobs').create<Job>('j', {
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
    });
    const uid = made.metadata.uid;
    assert.deepEqual(made.spec?.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
    assert.equal(made.spec?.template.metadata?.labels?.['controller-uid'], uid);
  });

  it('signing requests carry their asker and are decided through approval', async () => {
    const requests = running.use('certificates.k8s.io', 'certificatesigningrequests');
    const spec = { request, signerName: 'example.com/b', usages: ['client auth'], username: 'somebody' };
    const made = await requests.create<CertificateSigningRequest>('c', { spec });
    assert.equal(made.spec?.username, 'tester');
    const conditions = [{ type: 'Approved', status: 'True', reason: 'R', message: 'M' }];
    const approved = await requests.merge<CertificateSigningRequest>('c', { status: { conditions } }, 'approval');
    assert.equal(approved.status?.conditions?.[0]?.type, 'Approved');
    assert.ok(approved.status?.conditions?.[0]?.lastUpdateTime);
    const ignored = await requests.merge<CertificateSigningRequest>('c', { status: { conditions: [] } });
    assert.equal(ignored.status?.conditions?.length, 1);
  });

  it('events of both groups are the same objects', async () => {
    const events = running.use('', 'events');
    const involvedObject = { kind: 'Pod', name: 'p', namespace: 'default' };
    await events.create('ev', { involvedObject, reason: 'R', message: 'M', type: 'Normal' });
    const other = running.registry.lookup('events.k8s.io', 'v1', 'events');
    const stored = await other?.get({ namespace: 'default', name: 'ev' });
    assert.equal(stored?.object.apiVersion, 'events.k8s.io/v1');
    const list = await events.store.list({ fieldSelector: 'involvedObject.kind=Pod,reason=R' });
    assert.equal(list.items.length, 1);
  });
});
