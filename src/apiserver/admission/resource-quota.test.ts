import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ResourceQuotaSpec } from '../../api/gen/core-v1.ts';
import { startRegistry } from '../registry/testing.ts';
import type { AdmissionPlugin } from './plugin.ts';
import { resourceQuota } from './resource-quota.ts';
import { type Asked, attributes, refusalOf } from './testing.ts';

let server: Awaited<ReturnType<typeof startRegistry>>;
let plugin: AdmissionPlugin;
before(async () => {
  server = await startRegistry();
  plugin = resourceQuota({ registry: () => server.registry });
});
after(() => server.stop());

const quotas = () => server.use('', 'resourcequotas');

/** A quota that has been counted once, alone in its namespace while `work` runs; gives what it counts in the end. */
async function under(
  spec: ResourceQuotaSpec,
  used: Record<string, string> | undefined,
  work: (told: (asked: Omit<Asked, 'namespace'>) => Promise<string | undefined>) => Promise<void>,
): Promise<Record<string, string> | undefined> {
  await quotas().create('q', { spec });
  if (used) await quotas().merge('q', { status: { hard: spec.hard, used } }, 'status');
  await work((asked) => refusalOf(plugin, attributes({ ...asked, namespace: 'default' })));
  const { status } = await quotas().get<{ status?: { used?: Record<string, string> } }>('q');
  await quotas().delete('q');
  return status?.used;
}

const pod = (requests: Record<string, string> = {}, spec: object = {}) => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', resources: { requests } }], ...spec },
});

test('a quota holds from its first count on', async () => {
  await under({ hard: { pods: '0' } }, undefined, async (told) => {
    assert.equal(await told({ on: '/pods', object: pod() }), undefined);
  });
  await under({ hard: { pods: '1', 'count/pods': '2' } }, { pods: '0' }, async (told) => {
    assert.equal(await told({ on: '/pods', object: pod() }), 'status unknown for quota: q, resources: count/pods,pods');
    assert.equal(await told({ on: '/configmaps', object: pod() }), undefined);
  });
});

test('what is created is counted, and refused when it is too much', async () => {
  const used = await under(
    { hard: { pods: '2', 'requests.cpu': '1' } },
    { pods: '0', 'requests.cpu': '0' },
    async (told) => {
      assert.equal(await told({ on: '/pods', object: pod() }), 'failed quota: q: must specify requests.cpu for: c');
      assert.equal(await told({ on: '/pods', object: pod({ cpu: '600m' }) }), undefined);
      assert.equal(
        await told({ on: '/pods', object: pod({ cpu: '600m' }) }),
        'exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
      );
      assert.equal(await told({ on: '/pods', object: pod({ cpu: '1m' }), context: { dryRun: true } }), undefined);
    },
  );
  assert.deepStrictEqual(used, { pods: '1', 'requests.cpu': '600m' });
});

test('a quota of which one is against it is not charged by the other', async () => {
  await quotas().create('a', { spec: { hard: { pods: '5' } } });
  await quotas().merge('a', { status: { hard: { pods: '5' }, used: { pods: '0' } } }, 'status');
  await under({ hard: { 'count/pods': '0' } }, { 'count/pods': '0' }, async (told) => {
    assert.match((await told({ on: '/pods', object: pod() })) ?? '', /^exceeded quota: q, requested: count\/pods=1/);
  });
  assert.equal((await quotas().get<{ status: { used: { pods: string } } }>('a')).status.used.pods, '0');
  await quotas().delete('a');
});

test('an update is charged by what it adds', async () => {
  const claim = (storage: string) => ({ metadata: { name: 'c' }, spec: { resources: { requests: { storage } } } });
  const update = { on: '/persistentvolumeclaims', operation: 'UPDATE' as const };
  const hard = { 'requests.storage': '10Gi' };
  const used = await under({ hard }, { 'requests.storage': '5Gi' }, async (told) => {
    assert.equal(await told({ ...update, object: claim('8Gi'), oldObject: claim('5Gi') }), undefined);
    assert.match(
      (await told({ ...update, object: claim('12Gi'), oldObject: claim('8Gi') })) ?? '',
      /requested: requests.storage=4Gi/,
    );
    assert.equal(await told({ ...update, object: claim('1Gi'), oldObject: claim('8Gi') }), undefined);
  });
  assert.deepStrictEqual(used, { 'requests.storage': '8Gi' });
  const service = (type: string) => ({ metadata: { name: 's' }, spec: { type, ports: [{ port: 1 }, { port: 2 }] } });
  await under({ hard: { 'services.nodeports': '1' } }, { 'services.nodeports': '0' }, async (told) => {
    const asked = { on: '/services', operation: 'UPDATE' as const, oldObject: service('ClusterIP') };
    assert.equal(await told({ ...asked, object: service('ClusterIP') }), undefined);
    assert.match((await told({ ...asked, object: service('NodePort') })) ?? '', /services.nodeports=2/);
  });
});

test('a pod that comes into a scope by an update is charged whole', async () => {
  const used = await under({ hard: { pods: '1' }, scopes: ['Terminating'] }, { pods: '0' }, async (told) => {
    const asked = { on: '/pods', operation: 'UPDATE' as const, oldObject: pod() };
    assert.equal(await told({ ...asked, object: pod() }), undefined);
    assert.equal(await told({ ...asked, object: pod({}, { activeDeadlineSeconds: 5 }) }), undefined);
  });
  assert.deepStrictEqual(used, { pods: '1' });
});

test('devices of claims are counted by class, at their worst', async () => {
  const claim = (requests: object[]) => ({ metadata: { name: 'c' }, spec: { devices: { requests } } });
  const gpus = 'gpu.deviceclass.resource.k8s.io/devices';
  const exact = (count: number) => ({ exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count } });
  const either = {
    firstAvailable: [
      { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 3 },
      { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 },
    ],
  };
  const hard = { [gpus]: '5', 'count/resourceclaims.resource.k8s.io': '9' };
  const none = { [gpus]: '0', 'count/resourceclaims.resource.k8s.io': '0' };
  const used = await under({ hard }, none, async (told) => {
    const on = 'resource.k8s.io/resourceclaims';
    assert.equal(await told({ on, object: claim([exact(1), either]) }), undefined);
    const all = claim([{ exactly: { deviceClassName: 'gpu', allocationMode: 'All' } }]);
    assert.match((await told({ on, object: all })) ?? '', /requested: gpu.*=32, used: gpu.*=4, limited: gpu.*=5$/);
  });
  assert.deepStrictEqual(used, { [gpus]: '4', 'count/resourceclaims.resource.k8s.io': '1' });
});

test('devices of claims are counted by the resource for which their class stands, too', async () => {
  const deviceClasses = server.use('resource.k8s.io', 'deviceclasses');
  await deviceClasses.create('gpu', { spec: { extendedResourceName: 'example.com/gpu' } });
  const hard = { 'requests.example.com/gpu': '3' };
  const used = await under({ hard }, { 'requests.example.com/gpu': '0' }, async (told) => {
    const asked = (count: number) => {
      const exactly = { deviceClassName: 'gpu', allocationMode: 'ExactCount', count };
      const object = { metadata: { name: 'c' }, spec: { devices: { requests: [{ name: 'r', exactly }] } } };
      return told({ on: 'resource.k8s.io/resourceclaims', object });
    };
    assert.equal(await asked(1), undefined);
    assert.match((await asked(3)) ?? '', /requested: requests.example.com\/gpu=3, used: requests.example.com\/gpu=1/);
    assert.equal(await told({ on: '/pods', object: pod({ 'example.com/gpu': '2' }) }), undefined);
  });
  assert.deepStrictEqual(used, { 'requests.example.com/gpu': '3' });
});

test('objects of other kinds are counted when they are created', async () => {
  const name = 'count/deployments.apps';
  const used = await under({ hard: { [name]: '1', secrets: '1' } }, { [name]: '0', secrets: '0' }, async (told) => {
    assert.equal(await told({ on: 'apps/deployments', object: pod() }), undefined);
    assert.match((await told({ on: 'apps/deployments', object: pod() })) ?? '', /^exceeded quota/);
    assert.equal(
      await told({ on: 'apps/deployments', operation: 'UPDATE', object: pod(), oldObject: pod() }),
      undefined,
    );
    assert.equal(await told({ on: '/secrets', object: pod() }), undefined);
  });
  assert.deepStrictEqual(used, { [name]: '1', secrets: '1' });
});
