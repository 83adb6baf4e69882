import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRegistry } from '../registry/testing.ts';
import { limitRanger } from './limit-ranger.ts';
import type { AdmissionContext } from './plugin.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { attributes, refusalOf } from './testing.ts';

let server: Awaited<ReturnType<typeof startRegistry>>;
let context: AdmissionContext;
before(async () => {
  server = await startRegistry();
  context = { registry: () => server.registry };
});
after(() => server.stop());

const pod = (containers: object[], spec: object = {}) => ({
  metadata: { name: 'p', namespace: 'default' },
  spec: { containers, ...spec },
});

test('containers that say nothing get what the limit range says, and a note tells it', async () => {
  const limits = [{ type: 'Container', default: { cpu: '2', memory: '1Gi' }, defaultRequest: { cpu: '500m' } }];
  await server.use('', 'limitranges').create('l', { spec: { limits } });
  const a = attributes({ on: '/pods', object: pod([{ name: 'c', resources: { requests: { memory: '1Mi' } } }]) });
  await limitRanger(context).mutate?.(a);
  const made = a.object as unknown as {
    metadata: { annotations: unknown };
    spec: { containers: { resources: unknown }[] };
  };
  assert.deepStrictEqual(made.spec.containers[0]?.resources, {
    limits: { cpu: '2', memory: '1Gi' },
    requests: { memory: '1Mi', cpu: '500m' },
  });
  assert.deepStrictEqual(made.metadata.annotations, {
    'kubernetes.io/limit-ranger':
      'LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c',
  });
  await server.use('', 'limitranges').delete('l');
});

test('pods are held to their limits when they come and when they are resized, not on their way out', async () => {
  await server.use('', 'limitranges').create('l', { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } });
  const large = pod([{ name: 'c', resources: { limits: { cpu: '2' }, requests: { cpu: '2' } } }]);
  const text = 'maximum cpu usage per Container is 1, but limit is 2';
  const told = (on: string, operation: 'CREATE' | 'UPDATE', oldObject?: object) =>
    refusalOf(limitRanger(context), attributes({ on, operation, object: large, ...(oldObject ? { oldObject } : {}) }));
  assert.equal(await told('/pods', 'CREATE'), text);
  assert.equal(await told('/pods/resize', 'UPDATE', pod([])), text);
  assert.equal(await told('/pods', 'UPDATE', pod([])), undefined);
  const going = { metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: {} };
  assert.equal(await told('/pods/resize', 'UPDATE', going), undefined);
  await server.use('', 'limitranges').delete('l');
});

test('an account that limits its secrets lets pods use no other', async () => {
  const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
  await server.use('', 'serviceaccounts').create('limited', {
    metadata: { annotations },
    secrets: [{ name: 'known' }],
    automountServiceAccountToken: false,
  });
  const secret = (name: string) => [{ name: 'V', valueFrom: { secretKeyRef: { name, key: 'k' } } }];
  const told = (spec: object, more: object = {}) => {
    const object = pod([{ name: 'c', env: secret('known') }], { serviceAccountName: 'limited', ...spec });
    return refusalOf(serviceAccount(context), attributes({ on: '/pods', object, ...more }));
  };
  const why = 'is not allowed because service account limited does not reference that';
  assert.equal(await told({}), undefined);
  assert.equal(
    await told({ initContainers: [{ name: 'i', env: secret('other') }] }),
    `init container i with envVar V referencing secret.secretName="other" ${why} secret`,
  );
  assert.equal(
    await told({ imagePullSecrets: [{ name: 'x' }] }),
    `imagePullSecrets[0].name="x" ${why} imagePullSecret`,
  );
  const ephemeralContainers = [{ name: 'e', envFrom: [{ secretRef: { name: 'other' } }] }];
  assert.equal(
    await told({ ephemeralContainers }, { on: '/pods/ephemeralcontainers', operation: 'UPDATE' }),
    `ephemeral container e with envFrom referencing secret.secretName="other" ${why} secret`,
  );
});

test("a runtime class's overhead is compared by amount, its tolerations are merged", async () => {
  const tolerations = [{ key: 'a', operator: 'Exists' }];
  const overhead = { podFixed: { cpu: '100m', memory: '1Mi' } };
  await server
    .use('node.k8s.io', 'runtimeclasses')
    .create('rc', { handler: 'h', overhead, scheduling: { tolerations } });
  const spec = {
    runtimeClassName: 'rc',
    overhead: { memory: '1Mi', cpu: '0.1' },
    tolerations: [{ key: 'a', operator: 'Equal', value: 'x' }],
  };
  const a = attributes({ on: '/pods', object: pod([{ name: 'c' }], spec) });
  assert.equal(await refusalOf(runtimeClass(context), a), undefined);
  assert.deepStrictEqual((a.object?.spec as typeof spec | undefined)?.tolerations, tolerations);
});
