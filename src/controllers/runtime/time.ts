/** A time as the API writes it: whole seconds. */
export function timeText(at: number = Date.now()): string {
  return `${new Date(at).toISOString().slice(0, -5)}Z`;
}

/** Milliseconds since 1970, or NaN for no time. */
export function timeOf(text: string | undefined): number {
  return text === undefined ? Number.NaN : Date.parse(text);
}
