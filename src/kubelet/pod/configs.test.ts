import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notFound } from '../../api/status.ts';
import { testPod } from '../testing.ts';
import { containerConfig } from './container-config.ts';
import { containerEnvironment, type EnvironmentSources, parseEnvFile } from './environment.ts';
import { containersOf, type PodContainer } from './pod.ts';
import { sandboxConfig } from './sandbox-config.ts';
import { containerSecurity, verifyRunAsNonRoot } from './security.ts';

const node = {
  seccompRoot: '/seccomp',
  appArmorEnabled: false,
  memoryCapacity: 1024 ** 3,
  hugePageSizes: ['2MB'],
  podLogsDir: '/logs',
  clusterDomain: 'cluster.local',
};
const dns = { servers: ['10.43.0.10'], searches: [], options: [] };
const first = (pod: ReturnType<typeof testPod>): PodContainer => containersOf(pod)[0] as PodContainer;

test("a sandbox on the host's network has no host name and no port mappings", () => {
  const pod = testPod({ containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 8080 }] }] });
  const normal = sandboxConfig({ pod, attempt: 1, cgroupParent: '/kubepods/podu1', dns, node });
  assert.equal(normal.hostname, 'web');
  assert.deepStrictEqual(normal.portMappings, [{ protocol: 'TCP', containerPort: 80, hostPort: 8080, hostIp: '' }]);
  assert.equal(normal.logDirectory, '/logs/shop_web_u1');
  pod.spec.hostNetwork = true;
  const host = sandboxConfig({ pod, attempt: 1, cgroupParent: '/kubepods/podu1', dns, node });
  assert.deepStrictEqual([host.hostname, host.portMappings], ['', []]);
  assert.equal(host.linux.securityContext.namespaceOptions?.network, 'NODE');
});

test('a container: words expanded, limits, security, log path', () => {
  const pod = testPod({
    securityContext: { runAsUser: 5, fsGroup: 7, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        command: ['run', '$(A)'],
        args: ['$(B)'],
        resources: { limits: { memory: '64Mi', cpu: '500m', 'hugepages-2Mi': '4Mi' } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  });
  const config = containerConfig({
    pod,
    item: first(pod),
    restartCount: 3,
    imageRef: 'sha256:x',
    imageUser: { uid: 0 },
    environment: new Map([['A', '1']]),
    mounts: [],
    node,
  });
  assert.deepStrictEqual([config.command, config.args, config.logPath], [['run', '1'], ['$(B)'], 'main/3.log']);
  assert.deepStrictEqual(config.linux.resources, {
    cpuShares: 512,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memoryLimitInBytes: 64 * 1024 * 1024,
    oomScoreAdj: 999,
    hugepageLimits: [{ pageSize: '2MB', limit: 4 * 1024 * 1024 }],
  });
  const { runAsUser, noNewPrivs, seccomp, supplementalGroups, capabilities } = config.linux.securityContext;
  assert.deepStrictEqual(
    { runAsUser, noNewPrivs, seccomp, supplementalGroups, capabilities },
    {
      runAsUser: { value: 5 },
      noNewPrivs: true,
      seccomp: { profileType: 'RuntimeDefault' },
      supplementalGroups: [7],
      capabilities: { addCapabilities: [], dropCapabilities: ['ALL'] },
    },
  );
});

test('who must not be root is refused when the image would be', () => {
  const pod = testPod({ securityContext: { runAsNonRoot: true } });
  const container = first(pod).container;
  assert.throws(() => verifyRunAsNonRoot(pod, container, { uid: 0 }), {
    message: 'container has runAsNonRoot and image will run as root (pod: "web_shop(u1)", container: main)',
  });
  assert.throws(() => verifyRunAsNonRoot(pod, container, { username: 'app' }), /non-numeric user \(app\)/);
  verifyRunAsNonRoot(pod, container, { uid: 10 });
  verifyRunAsNonRoot(testPod({ securityContext: { runAsNonRoot: true, runAsUser: 9 } }), container, { uid: 0 });
});

test('an own profile wins over that of the pod; unmasked /proc has nothing hidden', () => {
  const pod = testPod({
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        securityContext: { procMount: 'Unmasked', seccompProfile: { type: 'Localhost', localhostProfile: 'a.json' } },
      },
    ],
  });
  const made = containerSecurity(pod, first(pod).container, {}, node);
  assert.deepStrictEqual(made.seccomp, { profileType: 'Localhost', localhostRef: '/seccomp/a.json' });
  assert.deepStrictEqual([made.maskedPaths, made.readonlyPaths], [[], []]);
});

const sources: EnvironmentSources = {
  async configMap(_, name) {
    if (name !== 'settings') throw notFound({ group: '', resource: 'configmaps' }, name);
    return { metadata: {}, data: { a: '1', b: '2' } };
  },
  async secret() {
    return { metadata: {}, data: { word: Buffer.from('sesame').toString('base64') } };
  },
  volumeFile: async () => "# comment\nX=plain\nY='quoted # text'\n",
  services: new Map([
    ['SVC', 'from-service'],
    ['TAKEN', 'from-service'],
  ]),
  fields: { podIPs: ['10.0.0.9'], hostIPs: ['192.0.2.1'], nodeName: 'n' },
  allocatable: {},
};

test('variables: sources in order, expansion by what came before, services last', async () => {
  const container = {
    name: 'main',
    envFrom: [{ prefix: 'P_', configMapRef: { name: 'settings' } }, { secretRef: { name: 's' } }],
    env: [
      { name: 'TAKEN', value: 'own' },
      { name: 'SUM', value: '$(P_a)-$(word)-$(SVC)-$(LATER)' },
      { name: 'LATER', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'FILE', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'f', key: 'Y' } } },
      { name: 'GONE', valueFrom: { configMapKeyRef: { name: 'nope', key: 'k', optional: true } } },
    ],
  };
  const made = await containerEnvironment(testPod({ containers: [container] }), container, sources);
  assert.deepStrictEqual(Object.fromEntries(made), {
    P_a: '1',
    P_b: '2',
    word: 'sesame',
    TAKEN: 'own',
    SUM: '1-sesame-from-service-$(LATER)',
    LATER: 'web',
    FILE: 'quoted # text',
    SVC: 'from-service',
  });
});

test('a variable whose source is missing is told in the words that users know', async () => {
  const refused = async (configMapKeyRef: { name: string; key: string }) => {
    const container = { name: 'main', env: [{ name: 'V', valueFrom: { configMapKeyRef } }] };
    return containerEnvironment(testPod({ containers: [container] }), container, sources);
  };
  await assert.rejects(
    refused({ name: 'settings', key: 'z' }),
    /^KnarrError: couldn't find key z in ConfigMap shop\/settings$/,
  );
  await assert.rejects(refused({ name: 'nope', key: 'z' }), /configmaps "nope" not found/);
});

test('a line of an env file', () => {
  assert.equal(parseEnvFile('A=1\nB = 2\nC=3', 'C'), '3');
  assert.equal(parseEnvFile('A=1', 'Z'), undefined);
});
