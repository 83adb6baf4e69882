import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { badRequest, invalid } from '../../api/status.ts';
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

export function dryRunOf(values: readonly string[], kind: OptionsKind): boolean {
  if (values.length === 0) return false;
  if (values.every((value) => value === 'All')) return true;
  const wrong = values.find((value) => value !== 'All') ?? '';
  throw invalid({ group: 'meta.k8s.io', kind }, '', [
    {
      ...enumCause('dryRun', wrong, ['All']),
      message: `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
    },
  ]);
}

export interface ContextOptions {
  user: UserInfo;
  query: URLSearchParams;
  userAgent: string | undefined;
  warnings: string[];
  /** Undefined where no audit log asks. */
  annotate?: ((key: string, value: string) => void) | undefined;
  /** Made when first asked for: most requests never look at it. */
  signal: () => AbortSignal;
}

const validations = ['Ignore', 'Warn', 'Strict'] as const;

function managerOf(query: URLSearchParams, userAgent: string | undefined): string {
  const asked = query.get('fieldManager');
  if (asked) return asked;
  const name = (userAgent ?? '').split('/')[0] ?? '';
  return name === '' ? 'unknown' : name.slice(0, 128);
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

  warn(text: string): void {
    const { warnings } = this.#options;
    if (!warnings.includes(text)) warnings.push(text);
  }

  annotate(key: string, value: string): void {
    this.#options.annotate?.(key, value);
  }

  get signal(): AbortSignal {
    return this.#options.signal();
  }
}

/** Checks the options of a write; throws 422 with upstream's texts. */
export function checkWriteOptions(query: URLSearchParams, kind: OptionsKind): void {
  if (query.size === 0) return;
  dryRunOf(query.getAll('dryRun'), kind);
  const causes: StatusCause[] = [];
  const validation = query.get('fieldValidation');
  if (validation && !validations.includes(validation as 'Ignore'))
    causes.push(enumCause('fieldValidation', validation, ['', ...validations]));
  const manager = query.get('fieldManager');
  if (manager !== null && manager.length > 128)
    causes.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than 128 bytes`,
      field: 'fieldManager',
    });
  if (manager !== null && !/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(manager))
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(manager)}: should only contain printable characters`,
      field: 'fieldManager',
    });
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', causes);
}
