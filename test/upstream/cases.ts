import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import * as r from '../../src/api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../src/api/object.ts';
import { isApiError } from '../../src/api/status.ts';
import { eventually } from '../../src/base/eventually.ts';
import type { Client } from '../../src/client/client.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { createRequest } from '../../src/pki/request.ts';
import { startMetricsServer } from './metrics-server.ts';

export interface Case {
  readonly client: Client;
  /** The case's own, made before it and not deleted after it. */
  readonly namespace: string;
  readonly t: TestContext;
}

/** Reads the object until `check` throws no more; returns it as it was then. */
const until = <T extends KubernetesObject>(
  { client, namespace }: Case,
  resource: Resource<T>,
  name: string,
  check: (object: T) => void,
  timeoutMs?: number,
): Promise<T> =>
  eventually(
    `${resource.resource} ${name}`,
    async () => {
      const object = await client.get(resource, name, resource.namespaced ? { namespace } : {});
      check(object);
      return object;
    },
    timeoutMs,
  );

const gone = <T extends KubernetesObject>({ client, namespace }: Case, resource: Resource<T>, name: string) =>
  eventually(`${resource.resource} ${name} to be gone`, async () => {
    try {
      await client.get(resource, name, resource.namespaced ? { namespace } : {});
    } catch (error) {
      if (isApiError(error, 'NotFound')) return;
      throw error;
    }
    throw new Error('it is still there');
  });

const template = (app: string, image = 'runs', restartPolicy = 'Always') => ({
  metadata: { labels: { app } },
  spec: { restartPolicy, terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image }] },
});

const selector = (app: string) => ({ matchLabels: { app } });

async function deploy(c: Case, name: string, replicas: number): Promise<void> {
  await c.client.create(r.deployments, {
    metadata: { name, namespace: c.namespace },
    spec: { replicas, selector: selector(name), template: template(name) },
  });
  await until(c, r.deployments, name, (d) => assert.equal(d.status?.availableReplicas, replicas));
}

const condition = <T extends { type: string; status: string }>(conditions: T[] | undefined, type: string) =>
  conditions?.find((one) => one.type === type)?.status;

/** What a cluster does by itself, each by what anybody can see of it. */
export const cases: Readonly<Record<string, (c: Case) => Promise<void>>> = {
  async 'a deployment rolls over to a new template and scales'(c) {
    await deploy(c, 'web', 3);
    const body = { spec: { replicas: 2, template: { metadata: { annotations: { second: 'true' } } } } };
    await c.client.patch(r.deployments, 'web', { type: 'strategic', body }, { namespace: c.namespace });
    await until(c, r.deployments, 'web', ({ status, metadata }) => {
      assert.equal(status?.observedGeneration, metadata.generation);
      assert.deepEqual([status?.replicas, status?.updatedReplicas, status?.availableReplicas], [2, 2, 2]);
    });
    const sets = await c.client.list(r.replicasets, { namespace: c.namespace });
    assert.deepEqual(sets.items.map((set) => set.status?.replicas).sort(), [0, 2]);
  },

  async 'a stateful set makes its pods in order, each with its claim, on volumes that wait for them'(c) {
    for (const index of [0, 1])
      await c.client.create(r.persistentvolumes, {
        metadata: { name: `${c.namespace}-${index}` },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: '/data' },
          storageClassName: c.namespace,
          persistentVolumeReclaimPolicy: 'Retain',
        },
      });
    await c.client.create(r.statefulsets, {
      metadata: { name: 'db', namespace: c.namespace },
      spec: {
        serviceName: 'db',
        replicas: 2,
        selector: selector('db'),
        template: template('db'),
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: {
              accessModes: ['ReadWriteOnce'],
              storageClassName: c.namespace,
              resources: { requests: { storage: '1Gi' } },
            },
          },
        ],
      },
    });
    await until(c, r.statefulsets, 'db', ({ status }) => assert.equal(status?.availableReplicas, 2));
    await until(c, r.persistentvolumeclaims, 'data-db-1', ({ status }) => assert.equal(status?.phase, 'Bound'));
    await c.client.delete(r.statefulsets, 'db', { namespace: c.namespace });
    await gone(c, r.pods, 'db-1');
    await c.client.delete(r.persistentvolumeclaims, 'data-db-0', { namespace: c.namespace });
    await gone(c, r.persistentvolumeclaims, 'data-db-0');
    await eventually('one volume to be released', async () => {
      const volumes = await c.client.list(r.persistentvolumes, {});
      const own = volumes.items.filter((volume) => volume.spec?.claimRef?.namespace === c.namespace);
      assert.deepEqual(own.map((volume) => volume.status?.phase).sort(), ['Bound', 'Released']);
    });
  },

  async 'a daemon set runs on every node'(c) {
    await c.client.create(r.daemonsets, {
      metadata: { name: 'each', namespace: c.namespace },
      spec: { selector: selector('each'), template: template('each') },
    });
    await until(c, r.daemonsets, 'each', ({ status }) => assert.equal(status?.numberAvailable, 2));
  },

  async 'jobs succeed, fail at their limit, and go when their time is over'(c) {
    const job = (name: string, image: string, spec: object) =>
      c.client.create(r.jobs, {
        metadata: { name, namespace: c.namespace },
        spec: { ...spec, template: template(name, image, 'Never') },
      });
    await job('good', 'succeeds', { completions: 3, parallelism: 2 });
    await job('indexed', 'succeeds', { completions: 2, parallelism: 2, completionMode: 'Indexed' });
    await job('bad', 'fails', { backoffLimit: 0 });
    await job('brief', 'succeeds', { ttlSecondsAfterFinished: 1 });
    await until(c, r.jobs, 'good', ({ status }) => {
      assert.equal(condition(status?.conditions, 'Complete'), 'True');
      assert.equal(status?.succeeded, 3);
    });
    await until(c, r.jobs, 'indexed', ({ status }) => assert.equal(status?.completedIndexes, '0,1'));
    await until(c, r.jobs, 'bad', ({ status }) => assert.equal(condition(status?.conditions, 'Failed'), 'True'));
    await gone(c, r.jobs, 'brief');
    await c.client.create(r.cronjobs, {
      metadata: { name: 'minutely', namespace: c.namespace },
      spec: { schedule: '* * * * *', jobTemplate: { spec: { template: template('cron', 'succeeds', 'Never') } } },
    });
    await until(c, r.cronjobs, 'minutely', ({ status }) => assert.ok(status?.lastSuccessfulTime), 90_000);
  },

  async 'what is owned goes with its owner, before it or not at all'(c) {
    for (const name of ['background', 'foreground', 'orphan']) await deploy(c, name, 1);
    const options = { namespace: c.namespace };
    const setOf = async (app: string) =>
      (await c.client.list(r.replicasets, { ...options, labelSelector: `app=${app}` })).items[0]?.metadata.name ?? '';
    const [background, foreground, orphan] = await Promise.all(['background', 'foreground', 'orphan'].map(setOf));
    await c.client.delete(r.deployments, 'background', { ...options, propagationPolicy: 'Background' });
    await c.client.delete(r.deployments, 'foreground', { ...options, propagationPolicy: 'Foreground' });
    await c.client.delete(r.deployments, 'orphan', { ...options, propagationPolicy: 'Orphan' });
    await gone(c, r.replicasets, background ?? '');
    await gone(c, r.deployments, 'foreground');
    await assert.rejects(c.client.get(r.replicasets, foreground ?? '', options), { reason: 'NotFound' });
    await gone(c, r.deployments, 'orphan');
    await until(c, r.replicasets, orphan ?? '', ({ metadata }) => assert.equal(metadata.ownerReferences, undefined));
  },

  async 'a namespace takes all that is in it along, custom resources too'(c) {
    const group = `${c.namespace}.example.com`;
    const things: Resource<KubernetesObject> = {
      group,
      version: 'v1',
      resource: 'things',
      kind: 'Thing',
      namespaced: true,
    };
    await c.client.create(r.customresourcedefinitions, {
      metadata: { name: `things.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    const inside = { ...c, namespace: `${c.namespace}-inside` };
    await c.client.create(r.namespaces, { metadata: { name: inside.namespace } });
    await deploy(inside, 'web', 1);
    await eventually('the custom resource', () =>
      c.client.create(things, {
        apiVersion: `${group}/v1`,
        kind: 'Thing',
        metadata: { name: 'one', namespace: inside.namespace },
      }),
    );
    await c.client.delete(r.namespaces, inside.namespace);
    await gone(c, r.namespaces, inside.namespace);
    const left = await c.client.list(things, {});
    assert.deepEqual(left.items, []);
  },

  async 'an autoscaler follows what pods use, and says when it cannot know'(c) {
    const spec = template('web').spec;
    const containers = [{ name: 'main', image: 'runs', resources: { requests: { cpu: '100m' } } }];
    await c.client.create(r.deployments, {
      metadata: { name: 'web', namespace: c.namespace },
      spec: { selector: selector('web'), template: { ...template('web'), spec: { ...spec, containers } } },
    });
    await until(c, r.deployments, 'web', ({ status }) => assert.equal(status?.availableReplicas, 1));
    const autoscaler = (name: string) =>
      c.client.create(r.horizontalpodautoscalers, {
        metadata: { name, namespace: c.namespace },
        spec: {
          minReplicas: 2,
          maxReplicas: 5,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          ],
        },
      });
    await autoscaler('web');
    await until(c, r.deployments, 'web', ({ status }) => assert.equal(status?.availableReplicas, 2));
    await until(c, r.horizontalpodautoscalers, 'web', ({ status }) => {
      const active = status?.conditions?.find(({ type }) => type === 'ScalingActive');
      assert.equal(active?.reason, 'FailedGetResourceMetric');
      assert.match(active?.message ?? '', /unable to fetch metrics from resource metrics API/);
    });
    const metrics = await startMetricsServer(c.client, c.namespace, () => '150m');
    if (!metrics) return c.t.diagnostic('no address for a metrics server: the rest is left out');
    try {
      // Four at the next look, as many as may be at the one after that.
      await until(c, r.deployments, 'web', ({ status }) => assert.ok((status?.availableReplicas ?? 0) >= 4));
      await until(c, r.horizontalpodautoscalers, 'web', ({ status }) => {
        assert.equal(status?.currentMetrics?.[0]?.resource?.current.averageUtilization, 150);
        assert.equal(condition(status?.conditions, 'ScalingActive'), 'True');
      });
      await autoscaler('rival');
      await until(c, r.horizontalpodautoscalers, 'rival', ({ status }) => {
        const active = status?.conditions?.find(({ type }) => type === 'ScalingActive');
        assert.equal(active?.reason, 'AmbiguousSelector');
        assert.match(
          active?.message ?? '',
          /^pods by selector app=web are controlled by multiple HPAs: \[\S+\/\w+ \S+\/\w+\]$/,
        );
      });
      await c.client.delete(r.horizontalpodautoscalers, 'rival', { namespace: c.namespace });
    } finally {
      metrics.close();
      await c.client.delete(r.apiservices, 'v1beta1.metrics.k8s.io');
    }
  },

  async 'an approved certificate request is signed'(c) {
    const key = await generateKey();
    const csr = createRequest({ key, subject: { commonName: 'jane', organizations: ['dev'] } });
    const name = `${c.namespace}-jane`;
    await c.client.create(r.certificatesigningrequests, {
      metadata: { name },
      spec: {
        request: Buffer.from(csr).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    });
    const made = await c.client.get(r.certificatesigningrequests, name);
    const approved = { type: 'Approved', status: 'True', reason: 'Test', message: 'by the test' };
    const body = { metadata: { resourceVersion: made.metadata.resourceVersion }, status: { conditions: [approved] } };
    await c.client.patch(r.certificatesigningrequests, name, { type: 'merge', body }, { subresource: 'approval' });
    await until(c, r.certificatesigningrequests, name, ({ status }) => assert.ok(status?.certificate));
  },

  async 'a namespace has its service account and its root certificate; a token secret is filled'(c) {
    await until(c, r.serviceaccounts, 'default', () => {});
    await until(c, r.configmaps, 'kube-root-ca.crt', ({ data }) => assert.match(data?.['ca.crt'] ?? '', /BEGIN CERT/));
    await c.client.create(r.secrets, {
      metadata: {
        name: 'token',
        namespace: c.namespace,
        annotations: { 'kubernetes.io/service-account.name': 'default' },
      },
      type: 'kubernetes.io/service-account-token',
    });
    await until(c, r.secrets, 'token', ({ data }) =>
      assert.deepEqual(Object.keys(data ?? {}).sort(), ['ca.crt', 'namespace', 'token']),
    );
  },

  async 'a service has endpoints in both forms'(c) {
    await deploy(c, 'web', 2);
    await c.client.create(r.services, {
      metadata: { name: 'web', namespace: c.namespace },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await until(c, r.endpoints, 'web', ({ subsets }) => assert.equal(subsets?.[0]?.addresses?.length, 2));
    await eventually('the slice', async () => {
      const options = { namespace: c.namespace, labelSelector: 'kubernetes.io/service-name=web' };
      const slices = await c.client.list(r.endpointslices, options);
      assert.deepEqual(
        slices.items.flatMap((slice) => slice.endpoints ?? []).map((e) => e.conditions?.ready),
        [true, true],
      );
    });
  },

  async 'a quota counts, a budget counts, a role gathers, a node has its network'(c) {
    await deploy(c, 'web', 2);
    const metadata = { name: 'all', namespace: c.namespace };
    await c.client.create(r.resourcequotas, { metadata, spec: { hard: { pods: '9', 'count/deployments.apps': '4' } } });
    await c.client.create(r.poddisruptionbudgets, { metadata, spec: { minAvailable: 1, selector: selector('web') } });
    await until(c, r.resourcequotas, 'all', ({ status }) =>
      assert.deepEqual(status?.used, { pods: '2', 'count/deployments.apps': '1' }),
    );
    await until(c, r.poddisruptionbudgets, 'all', ({ status }) => assert.equal(status?.disruptionsAllowed, 1));
    const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
    await c.client.create(r.clusterroles, {
      metadata: { name: `${c.namespace}-part`, labels: { to: c.namespace } },
      rules: [rule],
    });
    await c.client.create(r.clusterroles, {
      metadata: { name: c.namespace },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: c.namespace } }] },
      rules: [],
    });
    await until(c, r.clusterroles, c.namespace, ({ rules }) => assert.deepEqual(rules, [rule]));
    await until(c, r.nodes, 'hollow-0', ({ spec }) => assert.match(spec?.podCIDR ?? '', /^10\.42\./));
  },

  async 'a tainted node is emptied; a pod that fits nowhere says why'(c) {
    await c.client.create(r.pods, {
      metadata: { name: 'huge', namespace: c.namespace },
      spec: { containers: [{ name: 'main', image: 'runs', resources: { requests: { cpu: '400' } } }] },
    });
    await until(c, r.pods, 'huge', ({ status }) => {
      const why = status?.conditions?.find(({ type }) => type === 'PodScheduled');
      assert.equal(why?.reason, 'Unschedulable');
      assert.match(why?.message ?? '', /Insufficient cpu/);
    });
    await c.client.create(r.pods, {
      metadata: { name: 'evicted', namespace: c.namespace },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': 'hollow-2' },
        tolerations: [{ key: 'out', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }],
        containers: [{ name: 'main', image: 'runs' }],
      },
    });
    await gone(c, r.pods, 'evicted');
  },

  async 'a pod with a volume of a driver has it attached'(c) {
    await c.client.create(r.csidrivers, {
      metadata: { name: `${c.namespace}.example.com` },
      spec: { attachRequired: true },
    });
    await c.client.create(r.csinodes, {
      metadata: { name: 'hollow-0' },
      spec: { drivers: [{ name: `${c.namespace}.example.com`, nodeID: 'zero' }] },
    });
    await c.client.create(r.persistentvolumes, {
      metadata: { name: c.namespace },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: `${c.namespace}.example.com`, volumeHandle: 'one' },
        claimRef: { namespace: c.namespace, name: 'data' },
        storageClassName: '',
      },
    });
    await c.client.create(r.persistentvolumeclaims, {
      metadata: { name: 'data', namespace: c.namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        volumeName: c.namespace,
        resources: { requests: { storage: '1Gi' } },
      },
    });
    await c.client.create(r.pods, {
      metadata: { name: 'user', namespace: c.namespace },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': 'hollow-0' },
        containers: [{ name: 'main', image: 'runs' }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    await eventually('the attachment', async () => {
      const { items } = await c.client.list(r.volumeattachments, {});
      assert.deepEqual(
        items.filter(({ spec }) => spec.source.persistentVolumeName === c.namespace).map(({ spec }) => spec.nodeName),
        ['hollow-0'],
      );
    });
  },

  async 'a network of services that was added is used, and stays while it is'(c) {
    const name = c.namespace;
    await c.client.create(r.servicecidrs, { metadata: { name }, spec: { cidrs: ['10.99.7.0/28'] } });
    await until(c, r.servicecidrs, name, ({ status }) => assert.equal(condition(status?.conditions, 'Ready'), 'True'));
    await eventually('an address of the network', () =>
      c.client.create(r.services, {
        metadata: { name: 'there', namespace: c.namespace },
        spec: { clusterIP: '10.99.7.9', ports: [{ port: 80 }] },
      }),
    );
    await until(c, r.ipaddresses, '10.99.7.9', ({ spec }) => assert.equal(spec?.parentRef?.name, 'there'));
    await c.client.delete(r.servicecidrs, name);
    await until(c, r.servicecidrs, name, ({ status }) =>
      assert.equal(status?.conditions?.find(({ type }) => type === 'Ready')?.reason, 'Terminating'),
    );
    await c.client.delete(r.services, 'there', { namespace: c.namespace });
    await gone(c, r.servicecidrs, name);
  },

  async 'a class of volume attributes stays while a claim names it; a node is told how long it may keep what it read'(
    c,
  ) {
    const name = c.namespace;
    await c.client.create(r.volumeattributesclasses, {
      metadata: { name },
      driverName: 'driver.example.com',
      parameters: { speed: 'high' },
    });
    await c.client.create(r.persistentvolumeclaims, {
      metadata: { name: 'data', namespace: c.namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        volumeAttributesClassName: name,
        resources: { requests: { storage: '1Gi' } },
      },
    });
    await c.client.delete(r.volumeattributesclasses, name);
    const held = await c.client.get(r.volumeattributesclasses, name);
    assert.deepEqual(held.metadata.finalizers, ['kubernetes.io/vac-protection']);
    await c.client.delete(r.persistentvolumeclaims, 'data', { namespace: c.namespace });
    await gone(c, r.volumeattributesclasses, name);
    await until(c, r.nodes, 'hollow-0', ({ metadata }) =>
      assert.equal(metadata.annotations?.['node.alpha.kubernetes.io/ttl'], '0'),
    );
  },
};
