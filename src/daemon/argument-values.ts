import { KnarrError } from '../base/errors.ts';

const refuse = (message: string): KnarrError => new KnarrError({ code: 'invalid-setting', blame: 'user', message });

/** `10s`, `1m30s` as milliseconds. */
export function parseDuration(text: string): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.map((part) => part[0]).join('') !== text || parts.length === 0)
    throw refuse(`${JSON.stringify(text)} is not a duration like 10s`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 0), 0);
}

/** A whole number between bounds; `name` is what the user wrote it for. */
export function parseWhole(name: string, text: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (!/^\d+$/.test(text)) throw refuse(`--${name}: ${JSON.stringify(text)} is not a whole number`);
  if (number < min || number > max) throw refuse(`--${name}: ${text} is not between ${min} and ${max}`);
  return number;
}

/** Takes `value` only where it says what is so anyway. */
export const onlyAs =
  (name: string, so: string, why: string) =>
  (value: string): Record<string, never> => {
    if (value === so) return {};
    throw refuse(`--${name}=${value} is not supported: ${why}`);
  };
