import type { RequestInfo } from '../http/request-info.ts';
import { createCounters } from './counter.ts';
import { createHistograms, type Series as Observed } from './histogram.ts';
import { type Asked, dryRunOf, fieldValidationOf, keyOf, labelsOf, type RequestLabels } from './request-labels.ts';
import { renderFamilies } from './text.ts';

/** Upstream's bounds of `apiserver_request_duration_seconds`. */
const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  readonly labels: RequestLabels;
  readonly dryRun: string;
  readonly codes: Map<number, number>;
  readonly buckets: number[];
  readonly sizes: Observed;
  sum: number;
  count: number;
}

export interface RequestMetrics {
  /** A request is in flight until it is observed. */
  began(info: RequestInfo): void;
  /** A watch is answered until the returned function is called. */
  watching(asked: Asked): () => void;
  /** `started` is a `performance.now()`; `bytes`: how much was answered, of what was read. */
  observe(asked: Asked, code: number, started: number, bytes?: number): void;
  /** The server gave up on a request to save itself, or what it relays to could not be reached. */
  terminated(asked: Asked, code: number, component?: 'apiserver' | 'aggregator'): void;
  /** What came of a request after it was answered that it took too long. */
  late(status: 'ok' | 'error'): void;
  /** In the text format of Prometheus. */
  render(): string;
}

const pairs = (labels: object): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');

/** Resources of the core group that upstream calls deprecated. */
const deprecated: Readonly<Record<string, true>> = { componentstatuses: true, endpoints: true };

/** More series than any cluster has resources and verbs; past it, new ones are not counted. */
const mostSeries = 5000;

const reads = new Set(['get', 'list', 'watch']);
/** As which of two kinds requests are limited. */
export const kindOf = ({ verb }: RequestInfo): 'mutating' | 'readOnly' => (reads.has(verb) ? 'readOnly' : 'mutating');

const withDryRun = (labels: RequestLabels, dryRun: string): object => ({
  component: 'apiserver',
  dry_run: dryRun,
  ...labels,
});

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
  const validated = createHistograms({
    name: 'field_validation_request_duration_seconds',
    help: 'Time to answer, by what is done about unknown fields.',
    labels: ['field_validation'],
    bounds: bounds.filter((bound) => bound >= 0.05),
  });
  const byValidation: Readonly<Record<string, Observed>> = Object.fromEntries(
    ['', 'Ignore', 'Strict', 'Warn', 'invalid'].map((value) => [value, validated.of(value)]),
  );
  const terminations = createCounters({
    name: 'apiserver_request_terminations_total',
    help: 'Requests that the server gave up on to save itself.',
    labels: ['code', 'component', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'],
  });
  const afterwards = createCounters({
    name: 'apiserver_request_post_timeout_total',
    help: 'What became of requests after they had been given up.',
    labels: ['source', 'status'],
  });
  const old = new Map<string, Record<string, string>>();
  const noteDeprecated = ({ group, version, resource, subresource }: RequestInfo): void => {
    old.set(`${resource}/${subresource}`, { group, removed_release: '', resource, subresource, version });
  };
  return {
    began(info) {
      inFlight[kindOf(info)]++;
    },
    watching(asked) {
      const labels = pairs({ component: 'apiserver', ...labelsOf(asked) });
      watches.set(labels, (watches.get(labels) ?? 0) + 1);
      return () => void watches.set(labels, (watches.get(labels) ?? 1) - 1);
    },
    observe(asked, code, started, bytes) {
      const { info } = asked;
      inFlight[kindOf(info)]--;
      // Paths that are no resource are counted only where they answer: others are the client's invention.
      if (!info.isResource && code === 404) return;
      const key = keyOf(asked);
      let found = series.get(key);
      if (!found) {
        if (series.size >= mostSeries) return;
        const labels = labelsOf(asked);
        const { group, resource, scope, subresource, verb, version } = labels;
        found = {
          labels,
          dryRun: dryRunOf(asked),
          codes: new Map(),
          buckets: bounds.map(() => 0),
          sizes: sizes.of('apiserver', group, resource, scope, subresource, verb, version),
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
      byValidation[fieldValidationOf(asked)]?.observe(seconds);
      found.sum += seconds;
      found.count++;
      const at = bounds.findIndex((bound) => seconds <= bound);
      if (at >= 0) found.buckets[at] = (found.buckets[at] ?? 0) + 1;
    },
    terminated(asked, code, component = 'apiserver') {
      const { group, resource, scope, subresource, verb, version } = labelsOf(asked);
      terminations.count(String(code), component, group, resource, scope, subresource, verb, version);
    },
    late(status) {
      afterwards.count('rest-handler', status);
      afterwards.count('timeout-handler', 'ok');
    },
    render() {
      const lines = [
        '# HELP apiserver_request_total Requests by verb, resource and answered code.',
        '# TYPE apiserver_request_total counter',
      ];
      for (const { labels, dryRun, codes } of series.values())
        for (const [code, count] of codes)
          lines.push(`apiserver_request_total{${pairs({ code, ...withDryRun(labels, dryRun) })}} ${count}`);
      const durations = (
        name: string,
        help: string,
        relabel: (labels: RequestLabels, dryRun: string) => object | undefined,
        from = 0,
      ): void => {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
        for (const { labels: all, dryRun, buckets, sum, count } of series.values()) {
          const its = relabel(all, dryRun);
          if (count === 0 || !its) continue;
          const labels = pairs(its);
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
      durations('apiserver_request_duration_seconds', 'Time to answer, watches left out.', withDryRun);
      // Upstream leaves the time of webhooks out here; nobody counts it apart.
      const real = (labels: RequestLabels, dryRun: string): object | undefined =>
        dryRun === '' ? { component: 'apiserver', ...labels } : undefined;
      durations('apiserver_request_sli_duration_seconds', 'Time to answer, watches left out.', real, 0.05);
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
      return `${lines.join('\n')}\n${sizes.render()}${validated.render()}${terminations.render()}${afterwards.render()}${asked}`;
    },
  };
}
