import type {
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../api/gen/autoscaling-v2.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { formatQuantity, quantityMilliValue } from '../../api/quantity.ts';
import { messageOf } from '../../base/errors.ts';
import type { Metric, MetricsClient } from './metrics-client.ts';
import {
  averageOf,
  replicasFromPods,
  replicasFromRatio,
  replicasPerPod,
  requestsOf,
  type Tolerances,
  utilizationOf,
} from './usage.ts';

/** What is known of the target when one metric is looked at. */
export interface Target {
  readonly namespace: string;
  /** Of its pods, as the scale tells it. */
  readonly selector: string;
  readonly pods: readonly Pod[];
  /** As asked for, and as they are. */
  readonly replicas: number;
  readonly running: number;
  readonly tolerances: Tolerances;
  readonly now: number;
}

export interface Proposal {
  readonly replicas: number;
  /** As the reason of a change names it. */
  readonly metric: string;
  readonly status: MetricStatus;
}

/** A metric that gives no proposal: `reason` is the condition's and the event's. */
export class MetricFailure extends Error {
  readonly reason: string;
  /** What the condition says; the error's message has the kind of metric before it. */
  readonly why: string;
  constructor(reason: string, why: string, message: string) {
    super(message);
    this.reason = reason;
    this.why = why;
  }
}

const defaultTolerance = 0.1;

export function tolerancesOf({ behavior }: HorizontalPodAutoscalerSpec): Tolerances {
  const of = (tolerance: string | undefined): number =>
    tolerance === undefined ? defaultTolerance : quantityMilliValue(tolerance) / 1000;
  return { up: of(behavior?.scaleUp?.tolerance), down: of(behavior?.scaleDown?.tolerance) };
}

const amount = (milli: number, resource = ''): string =>
  formatQuantity({
    nanos: BigInt(Math.round(milli)) * 1_000_000n,
    format: resource === 'memory' ? 'BinarySI' : 'DecimalSI',
  });

type Part = Omit<Proposal, 'status'> & { current: MetricValueStatus };

async function ofResource(
  metrics: MetricsClient,
  target: Target,
  source: { name: string; target: MetricTarget; container?: string },
): Promise<Part> {
  const { name, container = '' } = source;
  const { averageValue, averageUtilization } = source.target;
  const failed = (what: string) => (error: unknown) => {
    throw new Error(`failed to get ${name} ${what}: ${messageOf(error)}`);
  };
  const usage = async () => {
    const read = metrics.resource(target.namespace, target.selector, name, container);
    return await read.catch((error: unknown) => {
      throw new Error(`unable to get metrics for resource ${name}: ${messageOf(error)}`);
    });
  };
  if (averageValue !== undefined) {
    const wanted = quantityMilliValue(averageValue);
    const work = async (): Promise<Part> => {
      const { replicas, values } = replicasFromPods({
        ...target,
        usage: await usage(),
        resource: name,
        ratio: (values) => averageOf(values) / wanted,
        assumed: () => wanted,
      });
      return { replicas, metric: `${name} resource`, current: { averageValue: amount(averageOf(values), name) } };
    };
    return work().catch(failed('usage'));
  }
  if (averageUtilization === undefined)
    throw new Error(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  const work = async (): Promise<Part> => {
    const measured = await usage();
    const requests = requestsOf(target.pods, container, name);
    const { replicas, values } = replicasFromPods({
      ...target,
      usage: measured,
      resource: name,
      ratio: (values) => utilizationOf(values, requests).percent / averageUtilization,
      assumed: (pod) => ((requests.get(pod) ?? 0) * Math.max(100, averageUtilization)) / 100,
    });
    const { percent, average } = utilizationOf(values, requests);
    const kind = container === '' ? 'resource' : 'container resource';
    return {
      replicas,
      metric: `${name} ${kind} utilization (percentage of request)`,
      current: { averageUtilization: percent, averageValue: amount(average, name) },
    };
  };
  return work().catch(failed('utilization'));
}

async function ofPods(metrics: MetricsClient, target: Target, metric: Metric, wanted: number): Promise<Part> {
  const usage = await metrics.pods(target.namespace, target.selector, metric).catch((error: unknown) => {
    throw new Error(`unable to get metric ${metric.name}: ${messageOf(error)}`);
  });
  const { replicas, values } = replicasFromPods({
    ...target,
    usage,
    resource: '',
    ratio: (values) => averageOf(values) / wanted,
    assumed: () => wanted,
  });
  return { replicas, metric: `pods metric ${metric.name}`, current: { averageValue: amount(averageOf(values)) } };
}

/** A value of something that is no pod: in relation to a target for all, or to one for each pod. */
function ofValue(target: Target, usage: number, { value, averageValue }: MetricTarget): Omit<Part, 'metric'> {
  if (value !== undefined) {
    const replicas = replicasFromRatio({ ...target, ratio: usage / quantityMilliValue(value) });
    return { replicas, current: { value: amount(usage) } };
  }
  if (averageValue === undefined)
    throw new Error('invalid metric source: neither a value target nor an average value target was set');
  const replicas = replicasPerPod(usage, quantityMilliValue(averageValue), target.running, target.tolerances);
  const average = target.running === 0 ? usage : Math.ceil(usage / target.running);
  return { replicas, current: { averageValue: amount(average) } };
}

const sources: Readonly<
  Record<
    string,
    {
      reason: string;
      /** Before the error's text. */
      failed: (spec: MetricSpec) => string;
      propose: (metrics: MetricsClient, target: Target, spec: MetricSpec) => Promise<Proposal>;
    }
  >
> = {
  Resource: {
    reason: 'FailedGetResourceMetric',
    failed: ({ resource }) => `failed to get ${resource?.name} resource metric value`,
    async propose(metrics, target, { resource = { name: '', target: { type: '' } } }) {
      const { current, ...rest } = await ofResource(metrics, target, resource);
      return { ...rest, status: { type: 'Resource', resource: { name: resource.name, current } } };
    },
  },
  ContainerResource: {
    reason: 'FailedGetContainerResourceMetric',
    failed: ({ containerResource }) => `failed to get ${containerResource?.container} container metric value`,
    async propose(metrics, target, { containerResource = { name: '', container: '', target: { type: '' } } }) {
      const { current, ...rest } = await ofResource(metrics, target, containerResource);
      const { name, container } = containerResource;
      return { ...rest, status: { type: 'ContainerResource', containerResource: { name, container, current } } };
    },
  },
  Pods: {
    reason: 'FailedGetPodsMetric',
    failed: () => 'failed to get pods metric value',
    async propose(metrics, target, { pods = { metric: { name: '' }, target: { type: '' } } }) {
      const wanted = quantityMilliValue(pods.target.averageValue ?? '0');
      const { current, ...rest } = await ofPods(metrics, target, pods.metric, wanted);
      return { ...rest, status: { type: 'Pods', pods: { metric: pods.metric, current } } };
    },
  },
  Object: {
    reason: 'FailedGetObjectMetric',
    failed: () => 'failed to get object metric value',
    async propose(metrics, target, { object }) {
      if (!object) throw new Error('invalid object metric source');
      const { describedObject, metric } = object;
      const read = metrics.object(target.namespace, describedObject, metric);
      const usage = await read.catch((error: unknown) => {
        const where = `${describedObject.kind} ${target.namespace}/${describedObject.name}`;
        throw new Error(`unable to get metric ${metric.name}: ${messageOf(error)} on ${where}`);
      });
      const { current, replicas } = ofValue(target, usage, object.target);
      const name = `${describedObject.kind} metric ${metric.name}`;
      return { replicas, metric: name, status: { type: 'Object', object: { describedObject, metric, current } } };
    },
  },
  External: {
    reason: 'FailedGetExternalMetric',
    failed: ({ external }) => `failed to get ${external?.metric.name} external metric value`,
    async propose(metrics, target, { external }) {
      if (!external) throw new Error('invalid external metric source');
      const { metric } = external;
      const values = await metrics.external(target.namespace, metric).catch((error: unknown) => {
        const name = `${target.namespace}/${metric.name}`;
        throw new Error(`unable to get external metric ${name}: ${messageOf(error)}`);
      });
      const usage = values.reduce((total, value) => total + value, 0);
      const { current, replicas } = ofValue(target, usage, external.target);
      return {
        replicas,
        metric: `external metric ${metric.name}`,
        status: { type: 'External', external: { metric, current } },
      };
    },
  },
};

/** How many pods one metric asks for. Throws a `MetricFailure`. */
export async function propose(metrics: MetricsClient, target: Target, spec: MetricSpec): Promise<Proposal> {
  const source = sources[spec.type];
  const unknown = `unknown metric source type "${spec.type}"`;
  if (!source) throw new MetricFailure('InvalidMetricSourceType', unknown, unknown);
  try {
    return await source.propose(metrics, target, spec);
  } catch (error) {
    throw new MetricFailure(source.reason, messageOf(error), `${source.failed(spec)}: ${messageOf(error)}`);
  }
}
