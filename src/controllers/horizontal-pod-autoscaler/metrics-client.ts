import type { CrossVersionObjectReference } from '../../api/gen/autoscaling-v2.ts';
import type { LabelSelector } from '../../api/gen/meta-v1.ts';
import { quantityMilliValue } from '../../api/quantity.ts';
import { labelSelectorText, selectorRequirements } from '../../api/selectors.ts';
import { messageOf } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';
import { discover } from '../runtime/discovery.ts';
import { timeOf } from '../runtime/time.ts';
import type { PodUsage } from './usage.ts';

/** What extension servers measure, in thousandths. Every method throws what the autoscaler says in its conditions. */
export interface MetricsClient {
  /** Use of cpu or memory by pod; of one container when `container` is not empty. */
  resource(namespace: string, selector: string, resource: string, container: string): Promise<Map<string, PodUsage>>;
  pods(namespace: string, selector: string, metric: Metric): Promise<Map<string, PodUsage>>;
  object(namespace: string, object: CrossVersionObjectReference, metric: Metric): Promise<number>;
  external(namespace: string, metric: Metric): Promise<readonly number[]>;
}

export interface Metric {
  readonly name: string;
  readonly selector?: LabelSelector | undefined;
}

interface PodMetrics {
  metadata: { name: string };
  timestamp: string;
  window: string;
  containers: { name: string; usage: Record<string, string> }[];
}

interface MetricValue {
  describedObject: { name: string };
  timestamp: string;
  windowSeconds?: number;
  value: string;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `1m30.5s` in milliseconds. */
export function durationMs(text: string): number {
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g))
    total += Number(number) * (units[unit ?? ''] ?? 0);
  return total;
}

const defaultWindowMs = 60_000;

const selectorText = ({ selector }: Metric): string | undefined =>
  selector && labelSelectorText(selectorRequirements(selector) ?? []);

export function createMetricsClient(client: Client): MetricsClient {
  const read = async <T>(
    api: string,
    path: string,
    query: Record<string, string | undefined>,
  ): Promise<readonly T[]> => {
    let items: readonly T[];
    try {
      items = ((await client.raw({ method: 'GET', path, query })) as { items?: T[] }).items ?? [];
    } catch (error) {
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${messageOf(error)}`);
    }
    if (items.length === 0) throw new Error(`no metrics returned from ${api} metrics API`);
    return items;
  };

  /** The version of an API that is served, newest known first. */
  const served = async (group: string, versions: readonly string[]): Promise<string> => {
    const { resources } = await discover(client);
    const found = new Set(resources.filter((r) => r.group === group).map((r) => r.version));
    return `/apis/${group}/${versions.find((version) => found.has(version)) ?? versions[0]}`;
  };
  const custom = (): Promise<string> => served('custom.metrics.k8s.io', ['v1beta2', 'v1beta1']);

  const usageOf = ({ containers }: PodMetrics, resource: string, container: string): number | undefined => {
    const counted = container === '' ? containers : containers.filter(({ name }) => name === container);
    const values = counted.map(({ usage }) => usage[resource]);
    if (values.length === 0 || values.includes(undefined)) return undefined;
    return values.reduce((total, value) => total + quantityMilliValue(value ?? '0'), 0);
  };

  return {
    async resource(namespace, labelSelector, resource, container) {
      const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
      const items = await read<PodMetrics>('resource', path, { labelSelector });
      const result = new Map<string, PodUsage>();
      for (const item of items) {
        const value = usageOf(item, resource, container);
        if (value === undefined) continue;
        result.set(item.metadata.name, { value, at: timeOf(item.timestamp), windowMs: durationMs(item.window) });
      }
      return result;
    },
    async pods(namespace, labelSelector, metric) {
      const path = `${await custom()}/namespaces/${namespace}/pods/*/${metric.name}`;
      const items = await read<MetricValue>('custom', path, {
        labelSelector,
        metricLabelSelector: selectorText(metric),
      });
      return new Map(
        items.map(({ describedObject, timestamp, windowSeconds, value }) => [
          describedObject.name,
          {
            value: quantityMilliValue(value),
            at: timeOf(timestamp),
            windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
          },
        ]),
      );
    },
    async object(namespace, { apiVersion = 'v1', kind, name }, metric) {
      const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
      const { resources } = await discover(client);
      const resource = resources.find((r) => r.group === group && r.kind === kind);
      if (!resource) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
      const plural = group === '' ? resource.resource : `${resource.resource}.${group}`;
      const isNamespace = group === '' && kind === 'Namespace';
      const place = isNamespace ? `namespaces/${namespace}/metrics` : `namespaces/${namespace}/${plural}/${name}`;
      const path = `${await custom()}/${place}/${metric.name}`;
      const items = await read<MetricValue>('custom', path, { metricLabelSelector: selectorText(metric) });
      return quantityMilliValue(items[0]?.value ?? '0');
    },
    async external(namespace, metric) {
      const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric.name}`;
      const items = await read<{ value: string }>('external', path, { labelSelector: selectorText(metric) });
      return items.map(({ value }) => quantityMilliValue(value));
    },
  };
}
