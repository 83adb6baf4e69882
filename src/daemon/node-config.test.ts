import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './argument-values.ts';
import { parseComponentArguments } from './component-arguments.ts';
import { kubeletOverrides } from './kubelet-arguments.ts';
import { parseLabels, parseTaint } from './node-config.ts';

test('labels and taints are read as K3s reads them', () => {
  assert.deepEqual(parseLabels(['a=1', 'b', 'c=x=y']), { a: '1', b: '', c: 'x=y' });
  assert.throws(() => parseLabels(['=1']), /--node-label/);
  assert.deepEqual(parseTaint('k=v:NoExecute'), { key: 'k', value: 'v', effect: 'NoExecute' });
  assert.throws(() => parseTaint('k=v:Sometimes'), /--node-taint/);
});

test('arguments of the kubelet become its options, unknown ones are refused by name', () => {
  const read = (...pairs: string[]) => kubeletOverrides(parseComponentArguments(pairs));
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
  assert.throws(
    () => read('feature-gates=X=true'),
    /--kubelet-arg=feature-gates is not supported: there are no feature gates/,
  );
  assert.throws(() => read('max-pods=many'), /is not a whole number/);
});

test('durations are read in Go’s form', () => {
  assert.deepEqual(['10s', '1h', '250ms', '1m30s'].map(parseDuration), [10_000, 3_600_000, 250, 90_000]);
  assert.throws(() => parseDuration('soon'), /is not a duration/);
});
