import { badRequest, timeout } from '../../api/status.ts';
import type { RequestInfo } from './request-info.ts';

/** How long an ordinary request may take, and the most that its `timeout` may ask for. */
const mostMs = 60_000;

const streams = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

const longRunning = ({ verb, subresource }: RequestInfo): boolean =>
  verb === 'watch' || verb === 'proxy' || streams.has(subresource);

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of Go's form of a duration (`1m30s`); throws Error with Go's text. */
export function parseGoDuration(text: string): number {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0;
  const quoted = JSON.stringify(text);
  let left = rest;
  let sum = 0;
  while (left !== '') {
    const [all = '', number = '', unit = ''] = /^(\d+\.?\d*|\.\d+)([^.\d]*)/.exec(left) ?? [];
    if (all === '') throw new Error(`time: invalid duration ${quoted}`);
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`);
    const factor = unitMs[unit];
    if (factor === undefined) throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    sum += Number(number) * factor;
    left = left.slice(all.length);
  }
  if (rest === '') throw new Error(`time: invalid duration ${quoted}`);
  return sign === '-' ? -sum : sum;
}

/** How long a request may take, as upstream's deadline filter reads it; undefined for those that last. */
export function deadlineOf(info: RequestInfo, query: URLSearchParams, most = mostMs): number | undefined {
  if (longRunning(info)) return undefined;
  const asked = query.get('timeout');
  if (!asked) return most;
  try {
    const milliseconds = parseGoDuration(asked);
    return milliseconds > 0 && milliseconds < most ? milliseconds : most;
  } catch (error) {
    throw badRequest(`invalid timeout specified in the request URL - ${(error as Error).message}`);
  }
}

/** Settles as `work` does, or rejects with a 504 when that takes longer; what was begun goes on unheard. */
export function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(timeout('request did not complete within requested timeout - context deadline exceeded')),
      milliseconds,
    );
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
