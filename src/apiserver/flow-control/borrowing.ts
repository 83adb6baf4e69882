import type { PriorityLevelConfiguration } from '../../api/gen/flowcontrol-v1.ts';
import type { Demand } from './demand.ts';

/** The seats of one level: its own, the fewest that it keeps and the most that it may have. */
export interface Share {
  readonly nominal: number;
  readonly least: number;
  readonly most: number;
}

export const sharesOf = ({ spec }: PriorityLevelConfiguration): number =>
  spec?.type === 'Exempt'
    ? (spec.exempt?.nominalConcurrencyShares ?? 0)
    : (spec?.limited?.nominalConcurrencyShares ?? 30);

/** A level's part of all seats, and how much of it is lent and borrowed. Upstream: `apf_controller.go`. */
export function shareOf(configuration: PriorityLevelConfiguration, shares: number, total: number): Share {
  const { spec } = configuration;
  const nominal = Math.ceil((total * sharesOf(configuration)) / Math.max(1, shares));
  const given = spec?.type === 'Exempt' ? spec.exempt : spec?.limited;
  const lendable = Math.round((nominal * (given?.lendablePercent ?? 0)) / 100);
  const limit = spec?.limited?.borrowingLimitPercent;
  const most = limit === undefined ? total : Math.min(total, nominal + Math.round((nominal * limit) / 100));
  return { nominal, least: nominal - lendable, most };
}

/** How much of what was wanted before still counts after a period. */
const memory = 0.977;

/** What a level is taken to want: quick to grow, slow to forget. */
export function smoothed(before: number, { average, deviation }: Demand): number {
  const envelope = average + deviation;
  return Math.max(envelope, memory * before + (1 - memory) * envelope);
}

interface Wish {
  readonly least: number;
  readonly most: number;
  readonly wanted: number;
}

const within = ({ least, most, wanted }: Wish, fraction: number): number =>
  Math.min(most, Math.max(least, wanted * fraction));

/**
 * Seats for each: the same fraction of what it wants, but between its least and its most, so that all together have
 * `total` (or what their limits allow that is nearest).
 */
export function divide(total: number, wishes: readonly Wish[]): { seats: number[]; fraction: number } {
  const sum = (fraction: number): number => wishes.reduce((all, wish) => all + within(wish, fraction), 0);
  let low = 0;
  let high = 1;
  while (sum(high) < total && high < 1e9) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (sum(middle) < total) low = middle;
    else high = middle;
  }
  return { seats: wishes.map((wish) => Math.round(within(wish, high))), fraction: high };
}
