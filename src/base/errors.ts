/** Whose fault an error is: the user's input, the world around the program, or the program itself. */
export type Blame = 'user' | 'world' | 'bug';

/**
 * An error with a closed `code` and a payload. The message leads with what the reader can do about it.
 */
export class KnarrError extends Error {
  readonly code: string;
  readonly blame: Blame;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(options: {
    code: string;
    blame: Blame;
    message: string;
    details?: Record<string, unknown>;
    cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KnarrError';
    this.code = options.code;
    this.blame = options.blame;
    this.details = options.details ?? {};
  }
}

/** The one conversion from `unknown`. */
export function toError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}

/** The message of anything thrown. */
export function messageOf(value: unknown): string {
  return toError(value).message;
}

/** For whoever called a command: the message of a mistake or of what the world refused, all that is known of our bug. */
export function wordsOf(value: unknown): string {
  const error = toError(value);
  const fromKernel = typeof (error as { errno?: unknown }).errno === 'number';
  const expected = error instanceof KnarrError ? error.blame !== 'bug' : fromKernel;
  return expected ? error.message : (error.stack ?? error.message);
}

/** The `code` of a system error (`ENOENT`, …), or undefined. */
export function systemCode(value: unknown): string | undefined {
  const code = (value as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
