import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricSpec,
  MetricTarget,
} from '../gen/autoscaling-v2.ts';
import { isDns1123Label, isPathSegment } from '../names.ts';
import { compareQuantities } from '../quantity.ts';
import type { Problems } from './problems.ts';
import { validateContainerResourceName, validateNonNegativeQuantity } from './resources.ts';

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

type Reference = Partial<CrossVersionObjectReference> | undefined;

/** What is wrong with the version that a reference names. */
function versionProblem(reference: Reference, allowCore: boolean): string | undefined {
  const version = reference?.apiVersion ?? '';
  const slashes = version.split('/').length - 1;
  if (slashes > 1) return `unexpected GroupVersion string: ${version}`;
  return allowCore || /^[^/]+\//.test(version) ? undefined : 'apiVersion must specify API group';
}

function validateReference(p: Problems, path: string, reference: Reference, version: 'any' | 'core' | 'group'): void {
  for (const field of ['kind', 'name'] as const) {
    const value = reference?.[field];
    if (!value) p.required(`${path}.${field}`);
    else p.all(`${path}.${field}`, value, isPathSegment(value));
  }
  const wrong = version === 'any' ? undefined : versionProblem(reference, version === 'core');
  if (wrong) p.invalid(`${path}.apiVersion`, reference?.apiVersion ?? '', wrong);
}

function validateTarget(p: Problems, path: string, target: Partial<MetricTarget>): void {
  const types = ['Utilization', 'Value', 'AverageValue'];
  if (!target.type) p.required(`${path}.type`, 'must specify a metric target type');
  if (!types.includes(target.type ?? '')) {
    p.invalid(`${path}.type`, target.type ?? '', 'must be either Utilization, Value, or AverageValue');
  }
  for (const field of ['value', 'averageValue'] as const) {
    const amount = target[field];
    if (amount !== undefined && compareQuantities(amount, '0') <= 0) {
      p.invalid(`${path}.${field}`, amount, 'must be positive');
    }
  }
  const use = target.averageUtilization;
  if (use !== undefined && use < 1) p.invalid(`${path}.averageUtilization`, use, 'must be greater than 0');
}

const missing: Readonly<Record<Source, string>> = {
  object: 'must set either a target value or averageValue',
  pods: 'must specify a positive target averageValue',
  resource: 'must set either a target raw value or a target utilization',
  containerResource: 'must set either a target raw value or a target utilization',
  external: 'must set either a target value for metric or a per-pod target',
};

function validateSource(p: Problems, path: string, kind: Source, metric: MetricSpec, anyVersion: boolean): void {
  const source = metric[kind] as {
    name?: string;
    container?: string;
    describedObject?: { kind?: string; name?: string };
    metric?: { name?: string };
    target?: Partial<MetricTarget>;
  };
  const target = source.target ?? {};
  if (kind === 'object') {
    validateReference(p, `${path}.describedObject`, source.describedObject, anyVersion ? 'any' : 'core');
  }
  if (kind === 'resource' || kind === 'containerResource') {
    if (!source.name) p.required(`${path}.name`, 'must specify a resource name');
    if (kind === 'containerResource') {
      if (source.name) validateContainerResourceName(p, `${path}.name`, source.name);
      if (!source.container) p.required(`${path}.container`, 'must specify a container');
      else p.all(`${path}.container`, source.container, isDns1123Label(source.container));
    }
    validateTarget(p, `${path}.target`, target);
    const use = target.averageUtilization;
    if (use === undefined && target.averageValue === undefined) {
      p.required(`${path}.target.averageUtilization`, missing[kind]);
    }
    if (use !== undefined && target.averageValue !== undefined) {
      p.forbidden(`${path}.target.averageValue`, 'may not set both a target raw value and a target utilization');
    }
    return;
  }
  if (!source.metric?.name) p.required(`${path}.metric.name`, 'must specify a metric name');
  else p.all(`${path}.metric.name`, source.metric.name, isPathSegment(source.metric.name));
  validateTarget(p, `${path}.target`, target);
  const needed = kind === 'pods' ? target.averageValue : (target.value ?? target.averageValue);
  if (needed === undefined) p.required(`${path}.target.averageValue`, missing[kind]);
  if (kind === 'external' && target.value !== undefined && target.averageValue !== undefined) {
    p.forbidden(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target');
  }
}

function validateMetric(p: Problems, path: string, metric: MetricSpec, anyVersion: boolean): void {
  if (!metric.type) p.required(`${path}.type`, 'must specify a metric source type');
  const known = metricTypes.includes(metric.type);
  if (!known) p.unsupported(`${path}.type`, metric.type ?? '', metricTypes);
  const expected = sources.find(([, type]) => type === metric.type)?.[0];
  const first = sources.find(([kind]) => metric[kind])?.[0];
  if (first) validateSource(p, `${path}.${first}`, first, metric, anyVersion);
  if (expected && !metric[expected]) {
    p.required(`${path}.${expected}`, 'must populate information for the given metric source');
  }
  if (!expected) p.unsupported(`${path}.type`, metric.type ?? '', metricTypes);
  if (sources.filter(([kind]) => metric[kind]).length === 1) return;
  for (const [kind] of sources) {
    if (metric[kind] && kind !== expected) p.forbidden(`${path}.${kind}`, 'must populate the given metric source only');
  }
}

const longestWindow = 3600;
const longestPeriod = 1800;

function validateScaling(p: Problems, path: string, rules: HPAScalingRules | undefined): void {
  if (!rules) return;
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [], tolerance } = rules;
  const at = `${path}.stabilizationWindowSeconds`;
  if (window < 0) p.invalid(at, window, 'must be greater than or equal to zero');
  if (window > longestWindow) p.invalid(at, window, `must be less than or equal to ${longestWindow}`);
  const choices = ['Disabled', 'Max', 'Min'];
  if (selectPolicy !== undefined && !choices.includes(selectPolicy)) {
    p.unsupported(`${path}.selectPolicy`, selectPolicy, choices);
  }
  if (policies.length === 0) p.required(`${path}.policies`, 'must specify at least one Policy');
  for (const [i, { type = '', value = 0, periodSeconds = 0 }] of policies.entries()) {
    const one = `${path}.policies[${i}]`;
    if (type !== 'Percent' && type !== 'Pods') p.unsupported(`${one}.type`, type, ['Percent', 'Pods']);
    p.positive(`${one}.value`, value);
    p.positive(`${one}.periodSeconds`, periodSeconds);
    if (periodSeconds > longestPeriod) {
      p.invalid(`${one}.periodSeconds`, periodSeconds, `must be less than or equal to ${longestPeriod}`);
    }
  }
  if (tolerance !== undefined) validateNonNegativeQuantity(p, `${path}.tolerance`, tolerance);
}

/** What was stored before versions were looked at keeps the one that it has. */
function versionOf(target: Reference, old: Reference): 'any' | 'core' | 'group' {
  if (old && old.apiVersion === target?.apiVersion && old.kind === target?.kind) return 'any';
  return target?.kind === 'ReplicationController' ? 'core' : 'group';
}

export function validateAutoscaler(
  p: Problems,
  { spec }: HorizontalPodAutoscaler,
  old?: HorizontalPodAutoscaler,
): void {
  if (!spec) return;
  const { minReplicas: min, maxReplicas: max = 0, scaleTargetRef: target } = spec;
  const least = old?.spec?.minReplicas === 0 ? 0 : 1;
  if (min !== undefined && min < least) p.invalid('spec.minReplicas', min, `must be greater than or equal to ${least}`);
  if (max === 0) p.required('spec.maxReplicas', 'must be set and greater than 0');
  else if (max < 0) p.invalid('spec.maxReplicas', max, 'must be greater than or equal to 1');
  if (min !== undefined && max < min) {
    p.invalid('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`');
  }
  validateReference(p, 'spec.scaleTargetRef', target, versionOf(target, old?.spec?.scaleTargetRef));
  const metrics = spec.metrics ?? [];
  const before = old?.spec?.metrics ?? [];
  const anyVersion = before.some(({ type, object }) => {
    return type === 'Object' && object && versionProblem(object.describedObject, true) !== undefined;
  });
  for (const [i, metric] of metrics.entries()) validateMetric(p, `spec.metrics[${i}]`, metric, anyVersion);
  if (min === 0 && !metrics.some((m) => m.type === 'Object' || m.type === 'External')) {
    const why = 'must specify at least one Object or External metric to support scaling to zero replicas';
    p.forbidden('spec.metrics', why);
  }
  validateScaling(p, 'spec.behavior.scaleUp', spec.behavior?.scaleUp);
  validateScaling(p, 'spec.behavior.scaleDown', spec.behavior?.scaleDown);
}

export function validateAutoscalerStatus(p: Problems, { status }: HorizontalPodAutoscaler): void {
  p.nonNegative('status.currentReplicas', status?.currentReplicas);
  p.nonNegative('status.desiredReplicas', status?.desiredReplicas);
}
