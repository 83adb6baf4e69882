import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convert } from './convert.ts';
import { decodeValue } from './decode.ts';
import type { KubernetesObject } from './object.ts';
import { type GroupVersionKind, parseKind } from './schema.ts';

const object = (gvk: GroupVersionKind, value: object): KubernetesObject =>
  decodeValue(gvk, structuredClone(value)).object;

test('an event keeps its content across groups', () => {
  const core = parseKind('v1', 'Event');
  const events = parseKind('events.k8s.io/v1', 'Event');
  const event = object(core, {
    metadata: { name: 'e', namespace: 'n' },
    involvedObject: { kind: 'Pod', name: 'p' },
    message: 'm',
    reason: 'r',
    type: 'Normal',
    count: 2,
    firstTimestamp: '2026-01-02T03:04:05Z',
    source: { component: 'c' },
    reportingComponent: 'rc',
  });
  const other = convert(event, events) as KubernetesObject & Record<string, unknown>;
  assert.deepStrictEqual(
    [other.apiVersion, other.note, other.regarding, other.deprecatedCount, other.reportingController],
    ['events.k8s.io/v1', 'm', { kind: 'Pod', name: 'p' }, 2, 'rc'],
  );
  assert.deepStrictEqual(convert(other, core), event);
});

test('an autoscaler keeps in annotations what the old version cannot say', () => {
  const v2 = parseKind('autoscaling/v2', 'HorizontalPodAutoscaler');
  const v1 = parseKind('autoscaling/v1', 'HorizontalPodAutoscaler');
  const scaler = object(v2, {
    metadata: { name: 'h' },
    spec: {
      maxReplicas: 3,
      scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      ],
      behavior: { scaleUp: { selectPolicy: 'Max' } },
    },
  });
  const old = convert(scaler, v1) as KubernetesObject & { spec: Record<string, unknown> };
  assert.deepStrictEqual(
    [old.spec.targetCPUUtilizationPercentage, old.metadata.annotations],
    [
      80,
      {
        'autoscaling.alpha.kubernetes.io/metrics':
          '[{"type":"Pods","pods":{"metricName":"rps","targetAverageValue":"10"}}]',
        'autoscaling.alpha.kubernetes.io/behavior': '{"scaleUp":{"selectPolicy":"Max"}}',
      },
    ],
  );
  assert.deepStrictEqual(convert(old, v2), scaler);
});
