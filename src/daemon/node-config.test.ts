import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDuration } from './argument-values.ts';
import { parseComponentArguments } from './component-arguments.ts';
import { kubeletOverrides } from './kubelet-arguments.ts';
import { withConfigurationFiles } from './kubelet-configuration.ts';
import { parseLabels, parseTaint } from './node-config.ts';

test('labels and taints are read as K3s reads them', () => {
  assert.deepEqual(parseLabels(['a=1', 'b', 'c=x=y']), { a: '1', b: '', c: 'x=y' });
  assert.throws(() => parseLabels(['=1']), /--node-label/);
  assert.deepEqual(parseTaint('k=v:NoExecute'), { key: 'k', value: 'v', effect: 'NoExecute' });
  assert.throws(() => parseTaint('k=v:Sometimes'), /--node-taint/);
});

test('arguments of the kubelet become its options, unknown ones are refused by name', () => {
  const read = (...pairs: string[]) => kubeletOverrides(parseComponentArguments(pairs)).settings;
  assert.deepEqual(
    read(
      'max-pods=20',
      '--eviction-hard=memory.available<50Mi,nodefs.available<5%',
      'kube-reserved=cpu=100m',
      'system-reserved=memory=1Gi',
      'cgroup-root=/x',
      'cgroup-driver=cgroupfs',
      'node-status-update-frequency=1m30s',
    ),
    {
      maxPods: 20,
      evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '5%' },
      reserved: { cpu: '100m', memory: '1Gi' },
      cgroups: { root: '/x', driver: 'cgroupfs' },
      nodeStatusReportMs: 90_000,
    },
  );
  assert.throws(() => read('feature-gates=X=true'), /unrecognized feature gate: X/);
  assert.throws(() => read('eviction-soft=memory.available<1Gi'), /evicted at the hard thresholds alone/);
  assert.throws(
    () => read('shutdown-grace-period=10s', 'shutdown-grace-period-critical-pods=20s'),
    /shutdownGracePeriodCriticalPods \(20s\) must be <= shutdownGracePeriod \(10s\)/,
  );
  assert.throws(() => read('max-pods=many'), /is not a whole number/);
});

test('durations are read in Go’s form', () => {
  assert.deepEqual(['10s', '1h', '250ms', '1m30s'].map(parseDuration), [10_000, 3_600_000, 250, 90_000]);
  assert.throws(() => parseDuration('soon'), /is not a duration/);
});

test('files of KubeletConfiguration are read, the drop-ins by name, and arguments go before them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-kubelet-'));
  t.after(() => rm(folder, { recursive: true }));
  const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';
  await writeFile(
    join(folder, '10-a.conf'),
    `${head}maxPods: 50\nshutdownGracePeriod: 30s\nshutdownGracePeriodCriticalPods: 10s\nevictionHard: {memory.available: 5%}\nfeatureGates: {NodeSwap: true}\n`,
  );
  await writeFile(
    join(folder, '20-b.conf'),
    `${head}maxPods: 60\nauthentication: {anonymous: {enabled: false}}\ntlsCipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\nimageGCHighThresholdPercent: 90\nimageMinimumGCAge: 5m0s\n`,
  );
  for (const name of ['other.txt', '00-k3s-defaults.conf']) await writeFile(join(folder, name), 'not read');
  const read = async (...pairs: string[]) =>
    kubeletOverrides(await withConfigurationFiles(parseComponentArguments(pairs), folder)).settings;
  const { tls, ...rest } = await read('max-pods=70');
  assert.deepEqual(rest, {
    maxPods: 70,
    shutdown: { graceMs: 30_000, criticalMs: 10_000 },
    evictionHard: { 'memory.available': '5%' },
    imageGc: { highPercent: 90, minAgeMs: 300_000 },
  });
  assert.match(tls?.ciphers ?? '', /ECDHE-ECDSA-AES128-GCM-SHA256$/);
  assert.equal((await read()).maxPods, 60);
  await writeFile(join(folder, '30-c.conf'), `${head}noSuchField: 1\n`);
  await assert.rejects(read(), /--kubelet-arg=no-such-field is not supported/);
  await writeFile(join(folder, '30-c.conf'), 'kind: Other\n');
  await assert.rejects(read(), /30-c\.conf cannot be used: it must be a KubeletConfiguration/);
});
