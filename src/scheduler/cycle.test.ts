import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodSpec } from '../api/gen/core-v1.ts';
import { createCache } from './cache.ts';
import { createDecider, refusalText } from './cycle.ts';
import { podInfoOf } from './pod-info.ts';
import { findVictims } from './preemption.ts';
import { defaultProfile } from './profile.ts';

const plugins = defaultProfile({
  namespaceLabels: () => ({}),
  namespaces: () => ['ns'],
  defaultSelector: () => undefined,
  volumes: [],
});

let uid = 0;
const node = (
  name: string,
  extra: { cpu?: string; labels?: Record<string, string>; spec?: Node['spec'] } = {},
): Node => ({
  metadata: { name, uid: name, labels: { 'kubernetes.io/hostname': name, ...extra.labels } },
  ...(extra.spec ? { spec: extra.spec } : {}),
  status: { allocatable: { cpu: extra.cpu ?? '2', memory: '4Gi', pods: '10' } },
});
const pod = (
  name: string,
  spec: Partial<PodSpec> & { cpu?: string } = {},
  labels: Record<string, string> = {},
): Pod => {
  const { cpu, ...rest } = spec;
  uid += 1;
  return {
    metadata: { name, namespace: 'ns', uid: `${name}-${uid}`, labels },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: cpu ? { cpu } : {} } }], ...rest },
  };
};

function decide(nodes: Node[], placed: [Pod, string][], wanted: Pod): string {
  const cache = createCache();
  for (const n of nodes) cache.setNode(n);
  for (const [p, name] of placed) cache.setPod({ ...p, spec: { containers: [], ...p.spec, nodeName: name } });
  const info = podInfoOf(wanted);
  const decision = createDecider(plugins, () => 0.99).decide(info, cache);
  if (decision.node !== undefined) return decision.node;
  const found = findVictims({ plugins, pod: info, view: cache, diagnosis: decision.diagnosis, budgets: [] });
  if ('candidate' in found) {
    return `${found.candidate.node} without ${found.candidate.victims.map((v) => v.pod.metadata.name).join(' ')}`;
  }
  return refusalText(decision.diagnosis, found.message);
}

const affine = (kind: 'podAffinity' | 'podAntiAffinity'): Partial<PodSpec> => ({
  affinity: {
    [kind]: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'a' } } },
      ],
    },
  },
});
const spread: Partial<PodSpec> = {
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'a' } },
    },
  ],
};
const tainted = { taints: [{ key: 'k', effect: 'NoSchedule' }] };
const notHelpful = (n: number): string =>
  `preemption: 0/${n} nodes are available: ${n} Preemption is not helpful for scheduling.`;

const cases: [string, Node[], [Pod, string][], Pod, string][] = [
  ['goes to the emptier node', [node('a'), node('b')], [[pod('x', { cpu: '1' }), 'a']], pod('p', { cpu: '1' }), 'b'],
  [
    'is refused with upstream’s words when nothing is large enough',
    [node('a'), node('b', { spec: tainted })],
    [],
    pod('p', { cpu: '3' }),
    `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). ${notHelpful(2)}`,
  ],
  [
    'finds no victims where all are as important',
    [node('a')],
    [[pod('x', { cpu: '2' }), 'a']],
    pod('p', { cpu: '1' }),
    '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  ],
  [
    'drives out only as many lesser pods as it must',
    [node('a')],
    [
      [pod('small', { cpu: '500m', priority: 1 }), 'a'],
      [pod('large', { cpu: '1500m', priority: 0 }), 'a'],
    ],
    pod('p', { cpu: '1', priority: 10 }),
    'a without large',
  ],
  [
    'follows its node selector',
    [node('a'), node('b', { labels: { disk: 'ssd' } })],
    [],
    pod('p', { nodeSelector: { disk: 'ssd' } }),
    'b',
  ],
  [
    'says when no node is selected',
    [node('a')],
    [],
    pod('p', { nodeSelector: { disk: 'ssd' } }),
    `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. ${notHelpful(1)}`,
  ],
  ['stays away from a cordoned node', [node('a', { spec: { unschedulable: true } }), node('b')], [], pod('p'), 'b'],
  [
    'tolerates what it tolerates',
    [node('a', { spec: tainted })],
    [],
    pod('p', { tolerations: [{ key: 'k', operator: 'Exists' }] }),
    'a',
  ],
  [
    'joins the pods it wants',
    [node('a'), node('b')],
    [[pod('x', {}, { app: 'a' }), 'b']],
    pod('p', affine('podAffinity')),
    'b',
  ],
  [
    'the first of a group that wants itself may start',
    [node('a')],
    [],
    pod('p', affine('podAffinity'), { app: 'a' }),
    'a',
  ],
  [
    'avoids the pods it does not want',
    [node('a'), node('b')],
    [[pod('x', {}, { app: 'a' }), 'a']],
    pod('p', affine('podAntiAffinity')),
    'b',
  ],
  [
    'respects that others do not want it',
    [node('a'), node('b')],
    [[pod('x', affine('podAntiAffinity')), 'a']],
    pod('p', {}, { app: 'a' }),
    'b',
  ],
  [
    'spreads evenly where it must',
    [node('a', { cpu: '64' }), node('b')],
    [[pod('x', {}, { app: 'a' }), 'a']],
    pod('p', spread, { app: 'a' }),
    'b',
  ],
  [
    'finds host ports taken',
    [node('a')],
    [[pod('x', { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] }), 'a']],
    pod('p', { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] }),
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
  ],
  ['is refused when there is no node', [], [], pod('p'), 'no nodes available to schedule pods'],
];
for (const [name, nodes, placed, wanted, expected] of cases) {
  test(`A pod ${name}`, () => assert.equal(decide(nodes, placed, wanted), expected));
}

test('A thousand pods are placed evenly over ten nodes', () => {
  const cache = createCache();
  for (let i = 0; i < 10; i++)
    cache.setNode({ ...node(`n${i}`), status: { allocatable: { cpu: '64', memory: '128Gi', pods: '200' } } });
  // The draw among nodes that score the same is one that can be repeated (Park and Miller's).
  let drawn = 1;
  const decider = createDecider(plugins, () => {
    drawn = (drawn * 48271) % 2147483647;
    return drawn / 2147483647;
  });
  for (let i = 0; i < 1000; i++) {
    const info = podInfoOf(pod(`p${i}`, { cpu: '10m', ...(i % 2 ? {} : spread) }, { app: 'a' }));
    const decision = decider.decide(info, cache);
    assert.ok(decision.node);
    cache.assume(info, decision.node);
  }
  assert.deepStrictEqual(
    cache.nodes.map((n) => Math.abs(n.pods.size - 100) <= 2),
    Array(10).fill(true),
  );
});

test('Room that is being made for a pod is not given to a lesser one', () => {
  const cache = createCache();
  cache.setNode(node('a'));
  const decider = createDecider(plugins);
  cache.nominate(podInfoOf(pod('important', { cpu: '2', priority: 10 })), 'a');
  assert.equal(decider.decide(podInfoOf(pod('lesser', { cpu: '1', priority: 1 })), cache).node, undefined);
  assert.equal(decider.decide(podInfoOf(pod('greater', { cpu: '1', priority: 20 })), cache).node, 'a');
});
