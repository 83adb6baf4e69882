import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPod } from '../testing.ts';
import { parseResolvConf, podDns } from './dns.ts';
import { fieldValue } from './field-ref.ts';
import { hostnameOf, hostsFile, kernelHostname } from './hostname.ts';
import { containerAnnotations, containerHash, restoreContainer } from './labels.ts';
import type { NodePod } from './pod.ts';
import { oomScoreAdjust, qosClassOf } from './qos.ts';
import { podCgroupResources, podResources, quotaOf, resourceFieldValue, sharesOf } from './resources.ts';
import { serviceVariables } from './service-env.ts';

const withResources = (requests?: Record<string, string>, limits?: Record<string, string>): NodePod =>
  testPod({
    containers: [{ name: 'main', resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) } }],
  });

const classes: [string, NodePod, string][] = [
  ['no requests and no limits', testPod(), 'BestEffort'],
  ['requests below limits', withResources({ cpu: '1' }, { cpu: '2', memory: '1Gi' }), 'Burstable'],
  [
    'both resources with requests as limits',
    withResources({ cpu: '1', memory: '1Gi' }, { cpu: '1000m', memory: '1Gi' }),
    'Guaranteed',
  ],
  ['only one resource is limited', withResources({ cpu: '1' }, { cpu: '1' }), 'Burstable'],
  [
    'other resources do not count',
    withResources({ 'example.test/gpu': '1' }, { 'example.test/gpu': '1' }),
    'BestEffort',
  ],
];
for (const [name, pod, expected] of classes)
  test(`class of service: ${name}`, () => assert.equal(qosClassOf(pod), expected));

test('the more memory a pod asks for, the later the kernel ends it', () => {
  const gib = 1024 ** 3;
  const score = (pod: NodePod) => oomScoreAdjust(pod, pod.spec.containers[0] as never, 10 * gib);
  assert.deepStrictEqual(
    [
      score(testPod()),
      score(withResources({ memory: '1Gi' })),
      score(withResources({ memory: '10Gi' })),
      score(withResources({ cpu: '1' })),
      score(withResources({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' })),
      score(testPod({ priority: 2_000_000_000 })),
    ],
    [1000, 900, 3, 999, -997, -997],
  );
});

test('shares and quota of a request', () => {
  assert.deepStrictEqual([0, 1, 100, 1000, 1_000_000].map(sharesOf), [2, 2, 102, 1024, 262_144]);
  assert.deepStrictEqual([0, 1, 500, 2000].map(quotaOf), [0, 1000, 50_000, 200_000]);
});

test('a pod takes what its containers and sidecars take together, or its largest step before', () => {
  const cpu = (value: string) => ({ resources: { requests: { cpu: value } } });
  const pod = testPod({
    initContainers: [
      { name: 'big', ...cpu('3') },
      { name: 'side', restartPolicy: 'Always', ...cpu('1') },
      { name: 'after', ...cpu('500m') },
    ],
    containers: [
      { name: 'a', ...cpu('500m') },
      { name: 'b', ...cpu('250m') },
    ],
    overhead: { cpu: '10m' },
  });
  assert.equal(podResources(pod, 'requests').cpu, '3010m');
  pod.spec.initContainers?.shift();
  assert.equal(podResources(pod, 'requests').cpu, '1760m');
});

test("a pod's cgroup has a limit only where every container has", () => {
  const pod = withResources({ cpu: '100m' }, { memory: '64Mi' });
  assert.deepStrictEqual(podCgroupResources(pod), { cpuShares: 102, memoryLimit: 64 * 1024 * 1024 });
  pod.spec.containers.push({ name: 'free' });
  assert.deepStrictEqual(podCgroupResources(pod), { cpuShares: 102 });
});

test('a resource field is rounded up to its divisor; without a limit the node counts', () => {
  const container = { name: 'c', resources: { limits: { cpu: '1500m' } } };
  assert.equal(resourceFieldValue(container, { resource: 'limits.cpu' }, {}), '2');
  assert.equal(resourceFieldValue(container, { resource: 'limits.cpu', divisor: '1m' }, {}), '1500');
  assert.equal(resourceFieldValue(container, { resource: 'requests.cpu' }, {}), '2');
  assert.equal(resourceFieldValue(container, { resource: 'limits.memory', divisor: '1Mi' }, { memory: '2Gi' }), '2048');
});

test('resolver: the cluster first, the node, or nothing but what the pod says', () => {
  const host = parseResolvConf('nameserver 192.0.2.53 # comment\nsearch example.test.\noptions timeout:2\n');
  const node = { clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', host };
  assert.deepStrictEqual(podDns(testPod(), node), {
    servers: ['10.43.0.10'],
    searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.test'],
    options: ['ndots:5'],
  });
  assert.deepStrictEqual(podDns(testPod({ hostNetwork: true }), node), host);
  assert.deepStrictEqual(
    podDns(
      testPod({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '2' }] } }),
      node,
    ),
    { servers: ['1.1.1.1'], searches: [], options: ['ndots:2'] },
  );
  const merged = podDns(testPod({ dnsConfig: { options: [{ name: 'ndots', value: '1' }] } }), node);
  assert.deepStrictEqual(merged.options, ['ndots:1']);
});

test('host name, domain and the hosts file', () => {
  const pod = testPod({ hostname: 'one', subdomain: 'set', setHostnameAsFQDN: true });
  assert.deepStrictEqual(hostnameOf(pod, 'cluster.local'), { hostname: 'one', domain: 'set.shop.svc.cluster.local' });
  assert.equal(kernelHostname(pod, 'cluster.local'), 'one.set.shop.svc.cluster.local');
  assert.throws(
    () => kernelHostname(pod, 'x'.repeat(60)),
    /is too long \(64 characters is the max, 77 characters requested\)/,
  );
  const lines = hostsFile({
    hostname: 'one',
    domain: 'set.shop',
    podIPs: ['10.0.0.9'],
    aliases: [{ ip: '10.1.1.1', hostnames: ['db', 'db2'] }],
  }).split('\n');
  assert.deepStrictEqual(lines.slice(-5), [
    '10.0.0.9\tone.set.shop\tone',
    '',
    '# Entries added by HostAliases.',
    '10.1.1.1\tdb\tdb2',
    '',
  ]);
});

test('downward fields', () => {
  const pod = testPod({}, { metadata: { labels: { b: '2', a: 'one "1"' }, annotations: { 'x/y': 'z' } } });
  const context = { podIPs: ['10.0.0.9', 'fd00::9'], hostIPs: ['192.0.2.1'], nodeName: 'n' };
  const values = [
    'metadata.labels',
    "metadata.labels['b']",
    "metadata.annotations['x/y']",
    'status.podIPs',
    'spec.nodeName',
  ];
  assert.deepStrictEqual(
    values.map((path) => fieldValue(pod, path, context)),
    ['a="one \\"1\\""\nb="2"', '2', 'z', '10.0.0.9,fd00::9', 'n'],
  );
  assert.throws(() => fieldValue(pod, 'status.phase', context), /unsupported fieldPath: status.phase/);
});

test('services are announced as variables; the API to every namespace', () => {
  const service = (name: string, namespace: string, clusterIP: string) => ({
    metadata: { name, namespace },
    spec: { clusterIP, ports: [{ name: 'web', port: 80, protocol: 'TCP' }] },
  });
  const all = [
    service('my-db', 'shop', '10.43.0.5'),
    service('kubernetes', 'default', '10.43.0.1'),
    service('none', 'shop', 'None'),
  ];
  const variables = serviceVariables(all as never, 'shop', true);
  assert.equal(variables.get('MY_DB_SERVICE_HOST'), '10.43.0.5');
  assert.equal(variables.get('MY_DB_SERVICE_PORT_WEB'), '80');
  assert.equal(variables.get('MY_DB_PORT_80_TCP'), 'tcp://10.43.0.5:80');
  assert.equal(variables.get('KUBERNETES_SERVICE_HOST'), '10.43.0.1');
  assert.deepStrictEqual(
    [...serviceVariables(all as never, 'shop', false).keys()].filter((k) => k.startsWith('MY_')),
    [],
  );
});

test('what is written on a container is enough to stop it when its pod is forgotten', () => {
  const container = {
    name: 'c',
    image: 'i',
    lifecycle: { preStop: { exec: { command: ['bye'] } } },
    ports: [{ containerPort: 1 }],
  };
  const pod = testPod({ containers: [container], terminationGracePeriodSeconds: 7 });
  const annotations = containerAnnotations(pod, container, 2);
  assert.equal(annotations['io.kubernetes.container.restartCount'], '2');
  assert.deepStrictEqual(restoreContainer('c', annotations), {
    container: { name: 'c', lifecycle: container.lifecycle, ports: container.ports },
    terminationGracePeriodSeconds: 7,
  });
  assert.notEqual(containerHash(container), containerHash({ ...container, image: 'other' }));
  assert.equal(containerHash(container), containerHash({ ...container, env: [] }));
});
