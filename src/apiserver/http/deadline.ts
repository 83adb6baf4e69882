import { type ApiError, badRequest, timeout } from '../../api/status.ts';
import { parseGoDuration } from '../../base/duration.ts';
import type { RequestInfo } from './request-info.ts';

/** How long an ordinary request may take, and the most that its `timeout` may ask for. */
const mostMs = 60_000;

const streams = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

const longRunning = ({ verb, subresource }: RequestInfo): boolean =>
  verb === 'watch' || verb === 'proxy' || streams.has(subresource);

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

const tooLate = 'request did not complete within requested timeout - context deadline exceeded';

/** Whether this is what `within` rejects with. */
export const isTooLate = ({ code, status }: ApiError): boolean =>
  code === 504 && status.message?.endsWith(tooLate) === true;

/** Settles as `work` does, or rejects with a 504 when that takes longer; what was begun goes on, and `late` hears its end. */
export function within<T>(milliseconds: number, work: Promise<T>, late?: (status: 'ok' | 'error') => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(timeout(tooLate));
      work.then(
        () => late?.('ok'),
        () => late?.('error'),
      );
    }, milliseconds);
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
