import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HorizontalPodAutoscalerSpec, MetricSpec } from '../../api/gen/autoscaling-v2.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { limitReplicas, type Memory, remember } from './limits.ts';
import { durationMs, type MetricsClient } from './metrics-client.ts';
import { propose, type Target } from './proposals.ts';
import type { PodUsage } from './usage.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const minute = 60_000;
const text = (at: number): string => new Date(at).toISOString();

interface Given {
  uses?: number;
  ready?: boolean;
  phase?: string;
  startedAgo?: number;
}

const pod = (name: string, { ready = true, phase = 'Running', startedAgo = 60 * minute }: Given): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: 'main', resources: { requests: { cpu: '1', memory: '1Gi' } } }] },
  status: {
    phase,
    startTime: text(now - startedAgo),
    conditions: [
      { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: text(now - startedAgo + 1000) },
    ],
  },
});

const names = ['a', 'b', 'c', 'd', 'e'];

const metricsOf = (given: readonly Given[], others: Partial<MetricsClient> = {}): MetricsClient => {
  const usage = async (): Promise<Map<string, PodUsage>> =>
    new Map(
      given.flatMap(({ uses }, index) =>
        uses === undefined ? [] : [[names[index] ?? '', { value: uses, at: now, windowMs: 30_000 }] as const],
      ),
    );
  return { resource: usage, pods: usage, object: async () => 0, external: async () => [], ...others };
};

const target = (given: readonly Given[]): Target => ({
  namespace: 'default',
  selector: 'app=web',
  pods: given.map((one, index) => pod(names[index] ?? '', one)),
  replicas: given.length,
  running: given.length,
  tolerances: { up: 0.1, down: 0.1 },
  now,
});

const half: MetricSpec = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
};

const table: readonly { says: string; pods: Given[]; spec?: MetricSpec; replicas: number }[] = [
  { says: 'twice the target doubles', pods: [{ uses: 1000 }, { uses: 1000 }], replicas: 4 },
  { says: 'half the target halves', pods: [{ uses: 250 }, { uses: 250 }], replicas: 1 },
  { says: 'within a tenth nothing changes', pods: [{ uses: 530 }, { uses: 540 }], replicas: 2 },
  { says: 'a pending pod counts as idle', pods: [{ uses: 1000 }, { phase: 'Pending' }], replicas: 2 },
  { says: 'a silent pod counts as busy when shrinking', pods: [{ uses: 250 }, { uses: 250 }, {}], replicas: 3 },
  { says: 'a failed pod does not count', pods: [{ uses: 1000 }, { uses: 1000, phase: 'Failed' }], replicas: 2 },
  {
    says: 'a pod that starts counts as idle',
    pods: [{ uses: 1000 }, { uses: 1000, startedAgo: minute, ready: false }],
    replicas: 2,
  },
  {
    says: 'an average value is the target itself',
    pods: [{ uses: 900 }, { uses: 300 }],
    spec: { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '200m' } } },
    replicas: 6,
  },
];
for (const { says, pods, spec = half, replicas } of table)
  test(`${says}`, async () => assert.equal((await propose(metricsOf(pods), target(pods), spec)).replicas, replicas));

test('the status tells what was measured', async () => {
  const pods = [{ uses: 250 }, { uses: 350 }];
  const { status, metric } = await propose(metricsOf(pods), target(pods), half);
  assert.deepEqual(status, {
    type: 'Resource',
    resource: { name: 'cpu', current: { averageUtilization: 30, averageValue: '300m' } },
  });
  assert.equal(metric, 'cpu resource utilization (percentage of request)');
});

test('a value from outside is divided among the pods', async () => {
  const pods = [{}, {}];
  const metrics = metricsOf(pods, { external: async () => [5000, 4000] });
  const spec = (target: object): MetricSpec => ({
    type: 'External',
    external: { metric: { name: 'queue' }, target: target as { type: string } },
  });
  const each = await propose(metrics, target(pods), spec({ type: 'AverageValue', averageValue: '3' }));
  assert.deepEqual([each.replicas, each.status.external?.current], [3, { averageValue: '4500m' }]);
  const all = await propose(metrics, target(pods), spec({ type: 'Value', value: '3' }));
  assert.deepEqual([all.replicas, all.status.external?.current], [6, { value: '9' }]);
});

test('what is missing is named as upstream names it', async () => {
  const pods = [{ uses: 1 }];
  const of = target(pods);
  await assert.rejects(propose(metricsOf([{}]), of, half), {
    reason: 'FailedGetResourceMetric',
    message:
      'failed to get cpu resource metric value: failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)',
  });
  const memory: MetricSpec = {
    type: 'ContainerResource',
    containerResource: { name: 'gpu', container: 'main', target: { type: 'Utilization', averageUtilization: 50 } },
  };
  await assert.rejects(propose(metricsOf(pods), of, memory), {
    message:
      'failed to get main container metric value: failed to get gpu utilization: missing request for gpu in container main of Pod a',
  });
});

const memory = (): Memory => ({ recommendations: [], ups: [], downs: [] });
const spec = (more: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscalerSpec => ({
  minReplicas: 2,
  maxReplicas: 20,
  scaleTargetRef: { kind: 'Deployment', name: 'web' },
  ...more,
});

test('without rules a target at most doubles, and shrinks only when five minutes agree', () => {
  const past = memory();
  const ask = (current: number, desired: number, at: number) =>
    limitReplicas({ spec: spec(), memory: past, current, desired, minimum: 2, now: at });
  const up = ask(3, 50, now);
  assert.deepEqual([up.replicas, up.limited.reason], [6, 'ScaleUpLimit']);
  const held = ask(6, 2, now + minute);
  assert.deepEqual([held.replicas, held.able.reason], [12, 'ScaleDownStabilized']);
  const down = ask(6, 1, now + 10 * minute);
  assert.deepEqual([down.replicas, down.limited.reason], [2, 'TooFewReplicas']);
});

test('rules limit how many pods come and go in a period', () => {
  const past = memory();
  const rules = spec({
    behavior: {
      scaleUp: {
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 2, periodSeconds: 60 },
          { type: 'Percent', value: 50, periodSeconds: 60 },
        ],
      },
      scaleDown: {
        selectPolicy: 'Min',
        stabilizationWindowSeconds: 0,
        policies: [
          { type: 'Pods', value: 1, periodSeconds: 60 },
          { type: 'Percent', value: 50, periodSeconds: 60 },
        ],
      },
    },
  });
  const ask = (current: number, desired: number, at: number): number => {
    const { replicas } = limitReplicas({ spec: rules, memory: past, current, desired, minimum: 2, now: at });
    if (replicas !== current) remember(past, rules, current, replicas, at);
    return replicas;
  };
  assert.equal(ask(10, 20, now), 15);
  assert.equal(ask(15, 20, now + 1000), 15);
  assert.equal(ask(15, 20, now + 61_000), 20);
  assert.equal(ask(20, 2, now + 200_000), 19);
  assert.equal(ask(19, 2, now + 201_000), 19);
  assert.equal(ask(19, 2, now + 261_000), 18);
});

test('durations are read as Go writes them', () => {
  assert.deepEqual(['30s', '1m30s', '10.5s', '500ms'].map(durationMs), [30_000, 90_000, 10_500, 500]);
});
