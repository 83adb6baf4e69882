import type { RequestInfo } from '../http/request-info.ts';
import { type Series as ByteSeries, createHistograms } from './histogram.ts';
import { renderFamilies } from './text.ts';

/** Upstream's bounds of `apiserver_request_duration_seconds`. */
const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  readonly labels: string;
  readonly codes: Map<number, number>;
  readonly buckets: number[];
  readonly sizes: ByteSeries;
  sum: number;
  count: number;
}

export interface RequestMetrics {
  /** A request is in flight until it is observed. */
  began(info: RequestInfo): void;
  /** A watch is answered until the returned function is called. */
  watching(info: RequestInfo): () => void;
  /** `started` is a `performance.now()`; `bytes`: how much was answered, of what was read. */
  observe(info: RequestInfo, code: number, started: number, bytes?: number): void;
  /** In the text format of Prometheus. */
  render(): string;
}

const verbNames: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
};

const scopeOf = (info: RequestInfo): string =>
  !info.isResource ? '' : info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';

function labelsOf(info: RequestInfo): string {
  const verb = verbNames[info.verb] ?? info.verb.toUpperCase();
  return [
    'component="apiserver"',
    'dry_run=""',
    `group="${info.group}"`,
    `resource="${info.resource}"`,
    `scope="${scopeOf(info)}"`,
    `subresource="${info.isResource ? info.subresource : info.path}"`,
    `verb="${verb}"`,
    `version="${info.version}"`,
  ].join(',');
}

/** Resources of the core group that upstream calls deprecated. */
const deprecated: Readonly<Record<string, true>> = { componentstatuses: true, endpoints: true };

const sizeLabels = (info: RequestInfo): string[] => [
  'apiserver',
  info.group,
  info.resource,
  scopeOf(info),
  info.isResource ? info.subresource : info.path,
  verbNames[info.verb] ?? info.verb.toUpperCase(),
  info.version,
];

/** More series than any cluster has resources and verbs; past it, new ones are not counted. */
const mostSeries = 5000;

const reads = new Set(['get', 'list', 'watch']);
const kindOf = ({ verb }: RequestInfo): 'mutating' | 'readOnly' => (reads.has(verb) ? 'readOnly' : 'mutating');

export function createRequestMetrics(): RequestMetrics {
  const series = new Map<string, Series>();
  const inFlight = { mutating: 0, readOnly: 0 };
  const watches = new Map<string, number>();
  const sizes = createHistograms({
    name: 'apiserver_response_sizes',
    help: 'Bytes of answers to reads.',
    labels: ['component', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'],
    bounds: [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9],
  });
  const old = new Map<string, Record<string, string>>();
  const noteDeprecated = ({ group, version, resource, subresource }: RequestInfo): void => {
    old.set(`${resource}/${subresource}`, { group, removed_release: '', resource, subresource, version });
  };
  return {
    began(info) {
      inFlight[kindOf(info)]++;
    },
    watching(info) {
      const labels = labelsOf(info).replace('dry_run="",', '');
      watches.set(labels, (watches.get(labels) ?? 0) + 1);
      return () => void watches.set(labels, (watches.get(labels) ?? 1) - 1);
    },
    observe(info, code, started, bytes) {
      inFlight[kindOf(info)]--;
      // Paths that are no resource are counted only where they answer: others are the client's invention.
      if (!info.isResource && code === 404) return;
      const key = `${info.verb}\n${info.group}\n${info.version}\n${info.resource}\n${info.isResource ? info.subresource : info.path}\n${scopeOf(info)}`;
      let found = series.get(key);
      if (!found) {
        if (series.size >= mostSeries) return;
        found = {
          labels: labelsOf(info),
          codes: new Map(),
          buckets: bounds.map(() => 0),
          sizes: sizes.of(...sizeLabels(info)),
          sum: 0,
          count: 0,
        };
        series.set(key, found);
      }
      found.codes.set(code, (found.codes.get(code) ?? 0) + 1);
      if (bytes !== undefined) found.sizes.observe(bytes);
      if (info.resource in deprecated && info.group === '' && info.isResource) noteDeprecated(info);
      if (info.verb === 'watch') return;
      const seconds = (performance.now() - started) / 1000;
      found.sum += seconds;
      found.count++;
      const at = bounds.findIndex((bound) => seconds <= bound);
      if (at >= 0) found.buckets[at] = (found.buckets[at] ?? 0) + 1;
    },
    render() {
      const lines = [
        '# HELP apiserver_request_total Requests by verb, resource and answered code.',
        '# TYPE apiserver_request_total counter',
      ];
      for (const { labels, codes } of series.values())
        for (const [code, count] of codes) lines.push(`apiserver_request_total{code="${code}",${labels}} ${count}`);
      const durations = (name: string, help: string, relabel: (labels: string) => string, from = 0): void => {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
        for (const { labels: all, buckets, sum, count } of series.values()) {
          if (count === 0) continue;
          const labels = relabel(all);
          let total = 0;
          bounds.forEach((bound, i) => {
            total += buckets[i] ?? 0;
            if (bound < from) return;
            lines.push(`${name}_bucket{${labels},le="${bound}"} ${total}`);
          });
          lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
          lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
        }
      };
      durations('apiserver_request_duration_seconds', 'Time to answer, watches left out.', (labels) => labels);
      // Upstream leaves the time of webhooks out here; nobody counts it apart.
      const withoutDryRun = (labels: string): string => labels.replace('dry_run="",', '');
      durations('apiserver_request_sli_duration_seconds', 'Time to answer, watches left out.', withoutDryRun, 0.05);
      const gauge = (name: string, help: string, samples: readonly (readonly [string, number])[]): void => {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
        for (const [labels, value] of samples) lines.push(`${name}{${labels}} ${value}`);
      };
      const kinds = (['mutating', 'readOnly'] as const).map(
        (kind) => [`request_kind="${kind}"`, inFlight[kind]] as const,
      );
      gauge('apiserver_current_inflight_requests', 'Requests that are being answered.', kinds);
      gauge('apiserver_longrunning_requests', 'Watches that are being answered.', [...watches]);
      const asked = renderFamilies([
        {
          name: 'apiserver_requested_deprecated_apis',
          type: 'gauge',
          help: 'Deprecated APIs that were asked for.',
          samples: [...old.values()].map((labels) => ({ labels, value: 1 })),
        },
      ]);
      return `${lines.join('\n')}\n${sizes.render()}${asked}`;
    },
  };
}
