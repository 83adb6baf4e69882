/**
 * HorizontalPodAutoscaler between v1 and v2. v1 knows one CPU target; all else that v2 says stands in annotations there,
 * in the form of v1's metric types.
 */

type Struct = Record<string, unknown>;

const prefix = 'autoscaling.alpha.kubernetes.io/';
const metricsKey = `${prefix}metrics`;
const currentKey = `${prefix}current-metrics`;
const conditionsKey = `${prefix}conditions`;
const behaviorKey = `${prefix}behavior`;

const struct = (value: unknown): Struct => (typeof value === 'object' && value !== null ? (value as Struct) : {});
const list = (value: unknown): Struct[] => (Array.isArray(value) ? (value as Struct[]) : []);
const present = (fields: Struct): Struct =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Names of a metric's amounts in v1: of a target, of a current value. */
interface Amounts {
  value?: string;
  average?: string;
  utilization?: string;
}

const targets: Readonly<Record<string, Amounts>> = {
  object: { value: 'targetValue', average: 'averageValue' },
  pods: { average: 'targetAverageValue' },
  resource: { utilization: 'targetAverageUtilization', average: 'targetAverageValue' },
  containerResource: { utilization: 'targetAverageUtilization', average: 'targetAverageValue' },
  external: { value: 'targetValue', average: 'targetAverageValue' },
};
const currents: Readonly<Record<string, Amounts>> = {
  object: { value: 'currentValue', average: 'averageValue' },
  pods: { average: 'currentAverageValue' },
  resource: { utilization: 'currentAverageUtilization', average: 'currentAverageValue' },
  containerResource: { utilization: 'currentAverageUtilization', average: 'currentAverageValue' },
  external: { value: 'currentValue', average: 'currentAverageValue' },
};

const sourceOf = (metric: Struct): string => {
  const type = String(metric.type ?? '');
  return type.charAt(0).toLowerCase() + type.slice(1);
};

function metricToV1(metric: Struct, names: typeof targets, amountsIn: 'target' | 'current'): Struct {
  const kind = sourceOf(metric);
  const { value, average, utilization } = names[kind] ?? {};
  const source = struct(metric[kind]);
  const amounts = struct(source[amountsIn]);
  const identity = struct(source.metric);
  const external = kind === 'external';
  const flat = present({
    name: source.name,
    container: source.container,
    target: kind === 'object' ? source.describedObject : undefined,
    metricName: identity.name,
    [external ? 'metricSelector' : 'selector']: identity.selector,
    ...(value ? { [value]: amounts.value } : {}),
    ...(average ? { [average]: amounts.averageValue } : {}),
    ...(utilization ? { [utilization]: amounts.averageUtilization } : {}),
  });
  return { type: metric.type, [kind]: flat };
}

function metricToV2(metric: Struct, names: typeof targets, amountsIn: 'target' | 'current'): Struct {
  const kind = sourceOf(metric);
  const { value, average, utilization } = names[kind] ?? {};
  const flat = struct(metric[kind]);
  const of = (name: string | undefined): unknown => (name === undefined ? undefined : flat[name]);
  const amounts = present({
    value: of(average) === undefined || kind === 'external' ? of(value) : undefined,
    averageValue: of(average),
    averageUtilization: of(utilization),
  });
  const type =
    amounts.averageUtilization !== undefined
      ? 'Utilization'
      : amounts.averageValue !== undefined
        ? 'AverageValue'
        : 'Value';
  const source = present({
    name: flat.name,
    container: flat.container,
    describedObject: kind === 'object' ? flat.target : undefined,
    metric:
      flat.metricName === undefined
        ? undefined
        : present({ name: flat.metricName, selector: flat.metricSelector ?? flat.selector }),
    [amountsIn]: amountsIn === 'target' ? { type, ...amounts } : amounts,
  });
  return { type: metric.type, [kind]: source };
}

const isCpu = (metric: Struct): boolean => metric.type === 'Resource' && struct(metric.resource).name === 'cpu';

/** Takes the CPU metric with an average utilisation out of a list. */
function splitCpu(metrics: Struct[], amountsIn: 'target' | 'current'): { cpu: unknown; rest: Struct[] } {
  const utilization = (m: Struct): unknown => struct(struct(m.resource)[amountsIn]).averageUtilization;
  const found = metrics.findIndex((m) => isCpu(m) && utilization(m) !== undefined);
  const metric = metrics[found];
  return metric ? { cpu: utilization(metric), rest: metrics.toSpliced(found, 1) } : { cpu: undefined, rest: metrics };
}

export function autoscalerToV1(object: Struct): Struct {
  const { metrics, behavior, ...spec } = struct(object.spec);
  const { currentMetrics, conditions, ...status } = struct(object.status);
  const target = splitCpu(list(metrics), 'target');
  const current = splitCpu(list(currentMetrics), 'current');
  const metadata = struct(object.metadata);
  const extra: Struct = {};
  if (target.rest.length > 0)
    extra[metricsKey] = JSON.stringify(target.rest.map((m) => metricToV1(m, targets, 'target')));
  if (current.rest.length > 0) {
    extra[currentKey] = JSON.stringify(current.rest.map((m) => metricToV1(m, currents, 'current')));
  }
  if (list(conditions).length > 0) extra[conditionsKey] = JSON.stringify(conditions);
  if (behavior !== undefined) extra[behaviorKey] = JSON.stringify(behavior);
  const annotations = { ...struct(metadata.annotations), ...extra };
  return {
    ...object,
    metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
    spec: { ...spec, ...(target.cpu === undefined ? {} : { targetCPUUtilizationPercentage: target.cpu }) },
    status: { ...status, ...(current.cpu === undefined ? {} : { currentCPUUtilizationPercentage: current.cpu }) },
  };
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const cpuMetric = (in_: 'target' | 'current', percent: unknown): Struct => ({
  type: 'Resource',
  resource: {
    name: 'cpu',
    [in_]: { ...(in_ === 'target' ? { type: 'Utilization' } : {}), averageUtilization: percent },
  },
});

export function autoscalerToV2(object: Struct): Struct {
  const { targetCPUUtilizationPercentage: target, ...spec } = struct(object.spec);
  const { currentCPUUtilizationPercentage: current, ...status } = struct(object.status);
  const { annotations, ...metadata } = struct(object.metadata);
  const {
    [metricsKey]: metricsText,
    [currentKey]: currentText,
    [conditionsKey]: conditionsText,
    [behaviorKey]: behaviorText,
    ...others
  } = struct(annotations);
  const metrics = [
    ...(target === undefined ? [] : [cpuMetric('target', target)]),
    ...list(parsed(metricsText)).map((m) => metricToV2(m, targets, 'target')),
  ];
  const currentMetrics = [
    ...(current === undefined ? [] : [cpuMetric('current', current)]),
    ...list(parsed(currentText)).map((m) => metricToV2(m, currents, 'current')),
  ];
  const behavior = parsed(behaviorText);
  const conditions = list(parsed(conditionsText));
  return {
    ...object,
    metadata: { ...metadata, ...(Object.keys(others).length > 0 ? { annotations: others } : {}) },
    spec: { ...spec, ...(metrics.length > 0 ? { metrics } : {}), ...(behavior === undefined ? {} : { behavior }) },
    status: {
      ...status,
      ...(currentMetrics.length > 0 ? { currentMetrics } : {}),
      ...(conditions.length > 0 ? { conditions } : {}),
    },
  };
}
