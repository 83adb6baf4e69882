import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRegistry } from '../registry/testing.ts';
import { nodeDeclaredFeatures } from './node-features.ts';
import type { AdmissionContext, AdmissionPlugin } from './plugin.ts';
import { podResize } from './pod-resize.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { attributes, refusalOf } from './testing.ts';

let server: Awaited<ReturnType<typeof startRegistry>>;
let context: AdmissionContext;
before(async () => {
  server = await startRegistry();
  context = { registry: () => server.registry };
  const zone = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/other': 'x' };
  const allocatable = { cpu: '2', memory: '1Gi' };
  const declaredFeatures = ['InPlacePodVerticalScalingInitContainers'];
  await server.use('', 'nodes').create('n1', { metadata: { labels: zone }, status: { allocatable, declaredFeatures } });
  await server.use('', 'nodes').create('w1', { metadata: { labels: { 'kubernetes.io/os': 'windows' } } });
});
after(() => server.stop());

test('a pod gets the zone and the region of its node, when it is bound and when it is born there', async () => {
  const plugin = podTopologyLabels(context);
  const labelled = async (on: string, object: object): Promise<unknown> => {
    const a = attributes({ on, object, namespace: 'default' });
    await plugin.mutate?.(a);
    return a.object?.metadata.labels;
  };
  const binding = (kind: string, name: string) => ({ metadata: { name: 'p' }, target: { kind, name } });
  assert.deepStrictEqual(await labelled('/pods/binding', binding('Node', 'n1')), {
    'topology.kubernetes.io/zone': 'z1',
  });
  assert.equal(await labelled('/pods/binding', binding('', 'n1')), undefined);
  assert.equal(await labelled('/pods/binding', binding('Node', 'none')), undefined);
  const pod = { metadata: { name: 'p', labels: { 'topology.kubernetes.io/zone': 'mine' } }, spec: { nodeName: 'n1' } };
  assert.deepStrictEqual(await labelled('/pods', pod), { 'topology.kubernetes.io/zone': 'z1' });
});

const pod = (nodeName: string, generation: number, spec: object) => ({
  metadata: { name: 'p', namespace: 'default', generation },
  spec: { nodeName, ...spec },
});
const sized = (requests: object) => ({ containers: [{ name: 'c', resources: { requests } }] });
const told = (plugin: AdmissionPlugin, object: object, oldObject: object) =>
  refusalOf(plugin, attributes({ on: '/pods/resize', operation: 'UPDATE', object, oldObject }));

test('a pod is not made larger than its node', async () => {
  const resized = (node: string, requests: object) =>
    told(podResize(context), pod(node, 2, sized(requests)), pod(node, 1, sized({})));
  assert.equal(await resized('n1', { cpu: '2', memory: '1Gi' }), undefined);
  assert.equal(
    await resized('n1', { cpu: '2500m', memory: '2Gi' }),
    "node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824",
  );
  assert.equal(await resized('w1', {}), 'pod resize is only supported on linux nodes, node "w1" is "windows"');
  assert.equal(await resized('none', {}), 'node "none" not found');
});

test('a pod is changed only in ways that its node declares to know', async () => {
  const plugin = nodeDeclaredFeatures(context);
  const init = (cpu: string) => ({ ...sized({}), initContainers: [{ name: 'i', resources: { requests: { cpu } } }] });
  const whole = (cpu: string) => ({ ...sized({}), resources: { requests: { cpu } } });
  assert.equal(await told(plugin, pod('n1', 2, init('2')), pod('n1', 1, init('1'))), undefined);
  assert.equal(
    await told(plugin, pod('n1', 2, whole('2')), pod('n1', 1, whole('1'))),
    'pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node "n1"',
  );
  assert.equal(await told(plugin, pod('n1', 1, whole('2')), pod('n1', 1, whole('1'))), undefined);
});
