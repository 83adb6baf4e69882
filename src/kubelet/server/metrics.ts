import type { ContainerMeasurement, Measurements, PodMeasurement } from './stats.ts';

export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface Family {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  samples: readonly Sample[];
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** The text format of Prometheus. */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of families) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value } of samples) {
      const pairs = Object.entries(labels).map(([k, v]) => `${k}="${escapeLabel(v)}"`);
      lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

type Pick = (container: ContainerMeasurement & { startTime: string }) => number;

const perContainer = (
  m: Measurements,
  pick: Pick,
  labels: (pod: PodMeasurement, c: ContainerMeasurement) => Sample['labels'],
) => m.pods.flatMap((pod) => pod.containers.map((c) => ({ labels: labels(pod, c), value: pick(c) })));

const perPod = (m: Measurements, pick: Pick): Sample[] =>
  m.pods.map((pod) => ({
    labels: { namespace: pod.namespace, pod: pod.name },
    value: pod.containers.reduce((sum, c) => sum + pick(c), 0),
  }));

const seconds = (nanoseconds: number): number => nanoseconds / 1e9;

/** `/metrics/resource`. */
export function resourceMetrics(m: Measurements): Family[] {
  const labels = (pod: PodMeasurement, c: ContainerMeasurement) => ({
    container: c.name,
    namespace: pod.namespace,
    pod: pod.name,
  });
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    {
      name: 'node_cpu_usage_seconds_total',
      type: 'counter',
      help: 'CPU time used by the node in seconds',
      samples: one(seconds(m.node.cpuNanoSeconds)),
    },
    {
      name: 'node_memory_working_set_bytes',
      type: 'gauge',
      help: 'Working set of the node in bytes',
      samples: one(m.node.workingSet),
    },
    {
      name: 'container_cpu_usage_seconds_total',
      type: 'counter',
      help: 'CPU time used by the container in seconds',
      samples: perContainer(m, (c) => seconds(c.cpuNanoSeconds), labels),
    },
    {
      name: 'container_memory_working_set_bytes',
      type: 'gauge',
      help: 'Working set of the container in bytes',
      samples: perContainer(m, (c) => c.workingSet, labels),
    },
    {
      name: 'container_start_time_seconds',
      type: 'gauge',
      help: 'Start of the container since 1970 in seconds',
      samples: perContainer(m, (c) => Date.parse(c.startTime) / 1000, labels),
    },
    {
      name: 'pod_cpu_usage_seconds_total',
      type: 'counter',
      help: 'CPU time used by the pod in seconds',
      samples: perPod(m, (c) => seconds(c.cpuNanoSeconds)),
    },
    {
      name: 'pod_memory_working_set_bytes',
      type: 'gauge',
      help: 'Working set of the pod in bytes',
      samples: perPod(m, (c) => c.workingSet),
    },
    { name: 'resource_scrape_error', type: 'gauge', help: '1 when the measurement failed', samples: one(0) },
  ];
}

/** `/metrics/cadvisor`: the names that dashboards ask for. */
export function cadvisorMetrics(m: Measurements): Family[] {
  const labels = (pod: PodMeasurement, c: ContainerMeasurement) => ({
    container: c.name,
    id: c.id,
    image: '',
    name: c.id,
    namespace: pod.namespace,
    pod: pod.name,
  });
  const network = (name: string, help: string, pick: (i: PodMeasurement['network'][number]) => number): Family => ({
    name,
    type: 'counter',
    help,
    samples: m.pods.flatMap((pod) =>
      pod.network.map((i) => ({
        labels: { container: '', interface: i.name, namespace: pod.namespace, pod: pod.name },
        value: pick(i),
      })),
    ),
  });
  return [
    {
      name: 'container_cpu_usage_seconds_total',
      type: 'counter',
      help: 'CPU time used in seconds',
      samples: perContainer(m, (c) => seconds(c.cpuNanoSeconds), labels),
    },
    {
      name: 'container_memory_working_set_bytes',
      type: 'gauge',
      help: 'Working set in bytes',
      samples: perContainer(m, (c) => c.workingSet, labels),
    },
    {
      name: 'container_memory_usage_bytes',
      type: 'gauge',
      help: 'Memory in use in bytes',
      samples: perContainer(m, (c) => c.usage, labels),
    },
    {
      name: 'container_memory_rss',
      type: 'gauge',
      help: 'Resident memory in bytes',
      samples: perContainer(m, (c) => c.rss, labels),
    },
    {
      name: 'container_fs_usage_bytes',
      type: 'gauge',
      help: 'Bytes of the writable layer',
      samples: perContainer(m, (c) => c.rootfsBytes, labels),
    },
    {
      name: 'container_start_time_seconds',
      type: 'gauge',
      help: 'Start since 1970 in seconds',
      samples: perContainer(m, (c) => Date.parse(c.startTime) / 1000, labels),
    },
    network('container_network_receive_bytes_total', 'Bytes received', (i) => i.rxBytes),
    network('container_network_transmit_bytes_total', 'Bytes sent', (i) => i.txBytes),
    network('container_network_receive_errors_total', 'Errors while receiving', (i) => i.rxErrors),
    network('container_network_transmit_errors_total', 'Errors while sending', (i) => i.txErrors),
    {
      name: 'machine_memory_bytes',
      type: 'gauge',
      help: 'Memory of the machine',
      samples: [{ labels: {}, value: m.node.usage + m.node.available }],
    },
  ];
}
