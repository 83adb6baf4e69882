import type { RequestInfo } from '../http/request-info.ts';

/** Upstream's bounds of `apiserver_request_duration_seconds`. */
const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  readonly labels: string;
  readonly codes: Map<number, number>;
  readonly buckets: number[];
  sum: number;
  count: number;
}

export interface RequestMetrics {
  /** `started` is a `performance.now()`. */
  observe(info: RequestInfo, code: number, started: number): void;
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

/** More series than any cluster has resources and verbs; past it, new ones are not counted. */
const mostSeries = 5000;

export function createRequestMetrics(): RequestMetrics {
  const series = new Map<string, Series>();
  return {
    observe(info, code, started) {
      // Paths that are no resource are counted only where they answer: others are the client's invention.
      if (!info.isResource && code === 404) return;
      const key = `${info.verb}\n${info.group}\n${info.version}\n${info.resource}\n${info.isResource ? info.subresource : info.path}\n${scopeOf(info)}`;
      let found = series.get(key);
      if (!found) {
        if (series.size >= mostSeries) return;
        found = { labels: labelsOf(info), codes: new Map(), buckets: bounds.map(() => 0), sum: 0, count: 0 };
        series.set(key, found);
      }
      found.codes.set(code, (found.codes.get(code) ?? 0) + 1);
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
      lines.push(
        '# HELP apiserver_request_duration_seconds Time to answer, watches left out.',
        '# TYPE apiserver_request_duration_seconds histogram',
      );
      for (const { labels, buckets, sum, count } of series.values()) {
        if (count === 0) continue;
        let total = 0;
        bounds.forEach((bound, i) => {
          total += buckets[i] ?? 0;
          lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="${bound}"} ${total}`);
        });
        lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`);
        lines.push(`apiserver_request_duration_seconds_sum{${labels}} ${sum}`);
        lines.push(`apiserver_request_duration_seconds_count{${labels}} ${count}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}
