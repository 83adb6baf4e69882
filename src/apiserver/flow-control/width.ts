import type { RequestInfo } from '../http/request-info.ts';
import { parseQuery } from '../http/request-target.ts';

/** What is in a resource's store. */
export interface Stock {
  readonly count: number;
  /** Of one object, roughly. */
  readonly bytes: number;
}

const bytesPerSeat = 100_000;
/** A list is written as it is read: more than this is never held for it. */
const mostBytes = 1_000_000;
const mostSeats = 100;

/** The most seats that one request of a level may take. */
export const widest = (nominal: number, handSize: number): number =>
  Math.max(1, Math.min(mostSeats, Math.ceil(nominal * 0.15), Math.floor(nominal / Math.max(1, handSize))));

/** How many seats a request takes: one, and more for a list of much. Upstream: `list_work_estimator.go`. */
export function widthOf(
  info: RequestInfo,
  url: string,
  stock: (group: string, resource: string) => Stock | undefined,
  most: number,
): number {
  if (most <= 1 || !info.isResource || info.name !== '') return 1;
  if (info.verb !== 'list' && info.verb !== 'watch') return 1;
  const found = stock(info.group, info.resource);
  if (!found || found.count * found.bytes <= bytesPerSeat) return 1;
  const query = parseQuery(url.split('?')[1] ?? '');
  const from = query.get('resourceVersion') ?? '';
  if (info.verb === 'watch' && query.get('sendInitialEvents') !== 'true' && from !== '' && from !== '0') return 1;
  const limit = Number(query.get('limit') ?? '0');
  const objects = limit > 0 ? Math.min(limit, found.count) : found.count;
  const seats = Math.ceil(Math.min(mostBytes, objects * found.bytes) / bytesPerSeat);
  return Math.min(most, Math.max(1, seats));
}
