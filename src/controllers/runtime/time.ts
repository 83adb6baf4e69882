import { timeText as textOf } from '../../api/literals.ts';

/** A moment in milliseconds, now without one, as the API writes it. */
export const timeText = (at: number = Date.now()): string => textOf(new Date(at));

/** Milliseconds since 1970, or NaN for no time. */
export function timeOf(text: string | undefined): number {
  return text === undefined ? Number.NaN : Date.parse(text);
}
