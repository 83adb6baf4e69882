import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdmission } from './admission.ts';
import type { NodePod } from './pod/pod.ts';
import type { Verdict } from './status/generate.ts';
import { testPod } from './testing.ts';

const asking = (cpu: string, more: Partial<NodePod['spec']> = {}): NodePod =>
  testPod({ containers: [{ name: 'c', resources: { requests: { cpu } } }], ...more });

const node = { metadata: { name: 'n', labels: { zone: 'a' } } };
const preempted: [NodePod, Verdict][] = [];
const admit = createAdmission({
  node: () => node,
  allocatable: () => ({ cpu: '2', memory: '1Gi', pods: '3' }),
  allowedUnsafeSysctls: ['net.core.*'],
  underPressure: () => undefined,
  preempt: async (pod, verdict) => void preempted.push([pod, verdict]),
});

const sysctl = (name: string): NodePod => testPod({ securityContext: { sysctls: [{ name, value: '1' }] } });

const rows: [string, NodePod, NodePod[], string | undefined, string?][] = [
  ['what fits is taken', asking('1'), [asking('1')], undefined],
  [
    'what does not fit is refused with the numbers',
    asking('1500m'),
    [asking('1')],
    'OutOfcpu',
    "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  ],
  ['the number of pods counts', asking('0'), [asking('0'), asking('0'), asking('0')], 'OutOfpods'],
  ['a selector that the node does not meet', asking('0', { nodeSelector: { zone: 'b' } }), [], 'NodeAffinity'],
  ['devices that nobody prepares', asking('0', { resourceClaims: [{ name: 'gpu' }] }), [], 'UnexpectedAdmissionError'],
  ['a safe sysctl', sysctl('net.ipv4.tcp_syncookies'), [], undefined],
  ['an allowed sysctl, written with slashes', sysctl('net/core/somaxconn'), [], undefined],
  ['a sysctl that is not allowed', sysctl('kernel.msgmax'), [], 'SysctlForbidden'],
];
for (const [name, pod, others, reason, message] of rows)
  test(name, async () => {
    const verdict = await admit(pod, others);
    assert.equal(verdict?.reason, reason);
    if (message) assert.equal(verdict?.message, message);
  });

test('a critical pod takes the place of others', async () => {
  const small = asking('1', { priority: 0 });
  assert.equal(await admit(asking('2', { priority: 2_000_000_000 }), [small]), undefined);
  assert.equal(preempted[0]?.[0], small);
  assert.equal(preempted[0]?.[1].reason, 'Preempting');
});
