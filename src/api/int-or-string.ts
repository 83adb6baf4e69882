/** A count or a percentage, as in `maxUnavailable`; or a port number or name. */
export type IntOrString = number | string;

/** The whole number that `value` means of `total`; a percentage is rounded up or down. Throws on any other text. */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const percent = percentOf(value);
  if (percent === undefined) throw new Error(`invalid value for IntOrString: invalid type: string is not a percentage`);
  const exact = (percent * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}

/** 25 for `25%`; undefined for what is not a percentage. */
export function percentOf(value: IntOrString): number | undefined {
  if (typeof value === 'number') return undefined;
  return /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : undefined;
}

export function intOrStringText(value: IntOrString): string {
  return String(value);
}
