import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet } from '../../api/gen/apps-v1.ts';
import type { Node, Pod, Taint } from '../../api/gen/core-v1.ts';
import { revisionLabel } from '../runtime/history.ts';
import { pinToNode, targetNode } from './placement.ts';
import { daemonStatus, planPlacement, planUpdate } from './plan.ts';

const set = (rollingUpdate: object = {}): DaemonSet =>
  ({
    metadata: { name: 'd' },
    spec: { template: { spec: { containers: [] } }, updateStrategy: { type: 'RollingUpdate', rollingUpdate } },
  }) as unknown as DaemonSet;
const node = (name: string, taints: Taint[] = []): Node => ({ metadata: { name }, spec: { taints } });
const pod = (name: string, on: string, hash = 'new', ready = true, phase = 'Running'): Pod => ({
  metadata: { name, labels: { [revisionLabel]: hash } },
  spec: { containers: [], nodeName: on },
  status: {
    phase,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '1970-01-01T00:00:00Z' }],
  },
});
const state = (subject: DaemonSet, nodes: Node[], pods: Pod[]): Parameters<typeof planPlacement>[0] => ({
  set: subject,
  nodes,
  pods,
  hash: 'new',
  now: 1e12,
});
const names = (pods: readonly Pod[]): (string | undefined)[] => pods.map((p) => p.metadata.name);

test('One pod on every node that takes it, none elsewhere', () => {
  const nodes = [
    node('a'),
    node('b'),
    node('c', [{ key: 'k', effect: 'NoSchedule' }]),
    node('e', [{ key: 'k', effect: 'NoExecute' }]),
  ];
  const pods = [pod('a1', 'a'), pod('a2', 'a'), pod('c1', 'c'), pod('e1', 'e'), pod('b1', 'b', 'new', false, 'Failed')];
  const plan = planPlacement(state(set(), nodes, pods));
  assert.deepStrictEqual([plan.create, names(plan.remove), names(plan.failed)], [[], ['a2', 'e1'], ['b1']]);
  assert.deepStrictEqual(planPlacement(state(set(), nodes, [])).create, ['a', 'b']);
});

test('An update replaces as many as may be unavailable, those that serve nobody at once', () => {
  const nodes = ['a', 'b', 'c'].map((n) => node(n));
  const old = ['a', 'b', 'c'].map((n) => pod(n, n, 'old'));
  assert.deepStrictEqual(names(planUpdate(state(set(), nodes, old)).remove), ['a']);
  assert.deepStrictEqual(names(planUpdate(state(set({ maxUnavailable: 2 }), nodes, old)).remove), ['a', 'b']);
  const broken = [pod('a', 'a', 'old', false), ...old.slice(1)];
  assert.deepStrictEqual(names(planUpdate(state(set(), nodes, broken)).remove), ['a']);
  assert.deepStrictEqual(planUpdate(state(set({ maxSurge: 1, maxUnavailable: 0 }), nodes, old)).create, ['a']);
});

test('A daemon pod is pinned to its node before it is bound', () => {
  const made: Pod = { metadata: {}, spec: { containers: [] } };
  pinToNode(made, 'a');
  assert.equal(targetNode(made), 'a');
  assert.equal(made.spec?.tolerations?.length, 6);
});

test('The status counts nodes, not pods', () => {
  const status = daemonStatus(
    state(set(), [node('a'), node('b')], [pod('a', 'a'), pod('b', 'b', 'old', false)]),
    undefined,
  );
  assert.deepStrictEqual(
    [
      status.desiredNumberScheduled,
      status.currentNumberScheduled,
      status.numberReady,
      status.updatedNumberScheduled,
      status.numberUnavailable,
    ],
    [2, 2, 1, 1, 1],
  );
});
