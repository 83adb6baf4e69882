import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { badRequest, invalid } from '../../api/status.ts';
import type { Layer } from '../audit/latencies.ts';
import type { RequestContext } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';

/** Options of a request's query, read as upstream's parameter codec reads them. */

export function integerOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const isInteger = /^[-+]?\d+$/.test(text);
  if (isInteger && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return Number(text);
  const why = isInteger ? 'value out of range' : 'invalid syntax';
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
}

export function booleanOf(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  return !['false', '0'].includes(text.toLowerCase());
}

export const textOf = (query: URLSearchParams, name: string): string | undefined => query.get(name) ?? undefined;

function enumCause(field: string, value: string, supported: readonly string[]): StatusCause {
  const list = [...supported]
    .sort()
    .map((s) => `"${s}"`)
    .join(', ');
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: "${value}": supported values: ${list}`,
    field,
  };
}

/** The kind that messages name: `PatchOptions.meta.k8s.io "" is invalid: …`. */
export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

const isDryRun = (values: readonly string[]): boolean => values.length > 0 && values.every((value) => value === 'All');

function dryRunProblem(values: readonly string[]): StatusCause | undefined {
  if (values.length === 0 || isDryRun(values)) return undefined;
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
    field: 'dryRun',
  };
}

export function dryRunOf(values: readonly string[], kind: OptionsKind): boolean {
  const problem = dryRunProblem(values);
  if (problem) throw invalid({ group: 'meta.k8s.io', kind }, '', [problem]);
  return isDryRun(values);
}

export interface ContextOptions {
  user: UserInfo;
  query: URLSearchParams;
  userAgent: string | undefined;
  warnings: string[];
  /** Undefined where no audit log asks. */
  annotate?: ((key: string, value: string) => void) | undefined;
  spent?: RequestContext['spent'] | undefined;
  /** Made when first asked for: most requests never look at it. */
  signal: () => AbortSignal;
}

const validations = ['Ignore', 'Warn', 'Strict'] as const;

/** The most bytes of a manager's name. */
const mostOfManager = 128;

/** As much of a user agent as can name a manager: what cannot be printed is left out. */
function prefixOf(name: string): string {
  let bytes = 0;
  let prefix = '';
  for (const character of name) {
    if (!isPrintable(character)) continue;
    bytes += Buffer.byteLength(character);
    if (bytes > mostOfManager) break;
    prefix += character;
  }
  return prefix;
}

function managerOf(query: URLSearchParams, userAgent: string | undefined): string {
  const asked = query.get('fieldManager');
  if (asked) return asked;
  const name = (userAgent ?? '').split('/')[0] ?? '';
  return name === '' ? 'unknown' : prefixOf(name);
}

/** The registry's view of a request. Options are checked when first read, so that reads pay nothing. */
export function createContext(options: ContextOptions): RequestContext {
  return new QueryContext(options);
}

class QueryContext implements RequestContext {
  readonly user: UserInfo;
  readonly #options: ContextOptions;
  #manager: string | undefined;

  constructor(options: ContextOptions) {
    this.user = options.user;
    this.#options = options;
  }

  get dryRun(): boolean {
    return this.#options.query.has('dryRun');
  }

  get fieldManager(): string {
    this.#manager ??= managerOf(this.#options.query, this.#options.userAgent);
    return this.#manager;
  }

  get fieldValidation(): 'Ignore' | 'Warn' | 'Strict' {
    return (this.#options.query.get('fieldValidation') as 'Ignore' | null) || 'Warn';
  }

  get said(): NonNullable<RequestContext['said']> {
    const { query } = this.#options;
    return {
      fieldManager: query.get('fieldManager') ?? undefined,
      fieldValidation: query.get('fieldValidation') ?? undefined,
    };
  }

  warn(text: string): void {
    const { warnings } = this.#options;
    if (!warnings.includes(text)) warnings.push(text);
  }

  annotate(key: string, value: string): void {
    this.#options.annotate?.(key, value);
  }

  spent(layer: Layer, ms: number): void {
    this.#options.spent?.(layer, ms);
  }

  get signal(): AbortSignal {
    return this.#options.signal();
  }
}

const isPrintable = (character: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character);

function managerProblems(manager: string): StatusCause[] {
  const field = 'fieldManager';
  if (Buffer.byteLength(manager) > mostOfManager)
    return [{ reason: 'FieldValueTooLong', message: `Too long: may not be more than ${mostOfManager} bytes`, field }];
  let at = 0;
  for (const character of manager) {
    if (!isPrintable(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      const why = `invalid character U+${code} (at position ${at})`;
      return [{ reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(manager)}: ${why}`, field }];
    }
    at += Buffer.byteLength(character);
  }
  return [];
}

/** Checks the options of a write; throws 422 with upstream's texts, for all that is wrong. */
export function checkWriteOptions(query: URLSearchParams, kind: OptionsKind): void {
  if (query.size === 0) return;
  const validation = query.get('fieldValidation');
  const dryRun = dryRunProblem(query.getAll('dryRun'));
  const causes = [
    ...managerProblems(query.get('fieldManager') ?? ''),
    ...(dryRun ? [dryRun] : []),
    ...(validation && !validations.includes(validation as 'Ignore')
      ? [enumCause('fieldValidation', validation, ['', ...validations])]
      : []),
  ];
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', causes);
}
