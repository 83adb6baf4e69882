import type { HorizontalPodAutoscaler, MetricSpec, MetricTarget } from '../gen/autoscaling-v2.ts';
import { isPathSegment } from '../names.ts';
import type { Problems } from './problems.ts';

const metricTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
/** The field of each metric type, in the order in which they are looked at. */
const sources = [
  ['object', 'Object'],
  ['external', 'External'],
  ['pods', 'Pods'],
  ['resource', 'Resource'],
  ['containerResource', 'ContainerResource'],
] as const;
type Source = (typeof sources)[number][0];

function validateReference(
  p: Problems,
  path: string,
  reference: { kind?: string | undefined; name?: string | undefined } | undefined,
): void {
  for (const field of ['kind', 'name'] as const) {
    const value = reference?.[field];
    if (!value) p.required(`${path}.${field}`);
    else p.all(`${path}.${field}`, value, isPathSegment(value));
  }
}

function validateTarget(p: Problems, path: string, target: Partial<MetricTarget>): void {
  const types = ['Utilization', 'Value', 'AverageValue'];
  if (!target.type) p.required(`${path}.type`, 'must specify a metric target type');
  if (!types.includes(target.type ?? '')) {
    p.invalid(`${path}.type`, target.type ?? '', 'must be either Utilization, Value, or AverageValue');
  }
}

const missing: Readonly<Record<Source, string>> = {
  object: 'must set either a target value or averageValue',
  pods: 'must specify a positive target averageValue',
  resource: 'must set either a target raw value or a target utilization',
  containerResource: 'must set either a target raw value or a target utilization',
  external: 'must set either a target value for metric or a per-pod target',
};

function validateSource(p: Problems, path: string, kind: Source, metric: MetricSpec): void {
  const source = metric[kind] as {
    name?: string;
    container?: string;
    describedObject?: { kind?: string; name?: string };
    metric?: { name?: string };
    target?: Partial<MetricTarget>;
  };
  const target = source.target ?? {};
  if (kind === 'object') validateReference(p, `${path}.describedObject`, source.describedObject);
  if (kind === 'resource' || kind === 'containerResource') {
    if (!source.name) p.required(`${path}.name`, 'must specify a resource name');
    if (kind === 'containerResource' && !source.container) p.required(`${path}.container`, 'must specify a container');
    validateTarget(p, `${path}.target`, target);
    const use = target.averageUtilization;
    if (use === undefined && target.averageValue === undefined) {
      p.required(`${path}.target.averageUtilization`, missing[kind]);
    }
    if (use !== undefined && use < 1) p.invalid(`${path}.target.averageUtilization`, use, 'must be greater than 0');
    if (use !== undefined && target.averageValue !== undefined) {
      p.forbidden(`${path}.target.averageValue`, 'may not set both a target raw value and a target utilization');
    }
    return;
  }
  if (!source.metric?.name) p.required(`${path}.metric.name`, 'must specify a metric name');
  validateTarget(p, `${path}.target`, target);
  const needed = kind === 'pods' ? target.averageValue : (target.value ?? target.averageValue);
  if (needed === undefined) p.required(`${path}.target.averageValue`, missing[kind]);
}

function validateMetric(p: Problems, path: string, metric: MetricSpec): void {
  if (!metric.type) p.required(`${path}.type`, 'must specify a metric source type');
  const known = metricTypes.includes(metric.type);
  if (!known) p.unsupported(`${path}.type`, metric.type ?? '', metricTypes);
  const expected = sources.find(([, type]) => type === metric.type)?.[0];
  const first = sources.find(([kind]) => metric[kind])?.[0];
  if (first) validateSource(p, `${path}.${first}`, first, metric);
  if (expected && !metric[expected]) {
    p.required(`${path}.${expected}`, 'must populate information for the given metric source');
  }
  if (!expected) p.unsupported(`${path}.type`, metric.type ?? '', metricTypes);
  if (sources.filter(([kind]) => metric[kind]).length === 1) return;
  for (const [kind] of sources) {
    if (metric[kind] && kind !== expected) p.forbidden(`${path}.${kind}`, 'must populate the given metric source only');
  }
}

export function validateAutoscaler(p: Problems, { spec }: HorizontalPodAutoscaler): void {
  if (!spec) return;
  const { minReplicas: min, maxReplicas: max = 0, scaleTargetRef: target } = spec;
  if (min !== undefined && min < 1) p.invalid('spec.minReplicas', min, 'must be greater than or equal to 1');
  if (max === 0) p.required('spec.maxReplicas', 'must be set and greater than 0');
  else if (max < 0) p.invalid('spec.maxReplicas', max, 'must be greater than or equal to 1');
  if (min !== undefined && max < min) {
    p.invalid('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`');
  }
  validateReference(p, 'spec.scaleTargetRef', target);
  if (!target.apiVersion?.includes('/')) {
    p.invalid('spec.scaleTargetRef.apiVersion', target.apiVersion ?? '', 'apiVersion must specify API group');
  }
  const metrics = spec.metrics ?? [];
  for (const [i, metric] of metrics.entries()) validateMetric(p, `spec.metrics[${i}]`, metric);
  if (min === 0 && !metrics.some((m) => m.type === 'Object' || m.type === 'External')) {
    const why = 'must specify at least one Object or External metric to support scaling to zero replicas';
    p.forbidden('spec.metrics', why);
  }
}
