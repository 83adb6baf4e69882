import type { StatusCause } from '../gen/meta-v1.ts';

/** Collects what is wrong with an object, in upstream's words (`apimachinery/pkg/util/validation/field`). */
export class Problems {
  readonly causes: StatusCause[] = [];

  #add(reason: string, field: string, message: string, detail: string): void {
    this.causes.push({ reason, message: detail === '' ? message : `${message}: ${detail}`, field });
  }

  required(field: string, detail = ''): void {
    this.#add('FieldValueRequired', field, 'Required value', detail);
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add('FieldValueInvalid', field, `Invalid value: ${valueText(value)}`, detail);
  }

  /** What is wrong with a value that is not shown. */
  invalidAsItIs(field: string, detail: string): void {
    this.#add('FieldValueInvalid', field, 'Invalid value', detail);
  }

  /** One `invalid` for each message that a grammar gives. */
  all(field: string, value: unknown, details: readonly string[]): void {
    for (const detail of details) this.invalid(field, value, detail);
  }

  unsupported(field: string, value: unknown, supported: readonly string[]): void {
    const detail =
      supported.length === 0 ? '' : `supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}`;
    this.#add('FieldValueNotSupported', field, `Unsupported value: ${valueText(value)}`, detail);
  }

  forbidden(field: string, detail: string): void {
    this.#add('FieldValueForbidden', field, 'Forbidden', detail);
  }

  internal(field: string, detail: string): void {
    this.#add('InternalError', field, 'Internal error', detail);
  }

  duplicate(field: string, value: unknown): void {
    this.#add('FieldValueDuplicate', field, `Duplicate value: ${valueText(value)}`, '');
  }

  notFound(field: string, value: unknown, detail = ''): void {
    this.#add('FieldValueNotFound', field, `Not found: ${valueText(value)}`, detail);
  }

  tooLong(field: string, max: number, unit: 'byte' | 'character' = 'byte'): void {
    this.#add('FieldValueTooLong', field, 'Too long', `may not be more than ${max} ${unit}${max === 1 ? '' : 's'}`);
  }

  tooMany(field: string, actual: number, max: number): void {
    const detail = `must have at most ${max} item${max === 1 ? '' : 's'}`;
    this.#add('FieldValueTooMany', field, `Too many: ${actual}`, detail);
  }

  // Checks that many types share.

  oneOf(field: string, value: string | undefined, supported: readonly string[]): void {
    if (value === undefined || value === '') this.required(field);
    else if (!supported.includes(value)) this.unsupported(field, value, supported);
  }

  /** One of some values, if any. */
  known(field: string, value: string | undefined, supported: readonly string[]): void {
    if (value !== undefined && !supported.includes(value)) this.unsupported(field, value, supported);
  }

  nonNegative(field: string, value: number | undefined): void {
    if (value !== undefined && value < 0) this.invalid(field, value, 'must be greater than or equal to 0');
  }

  positive(field: string, value: number | undefined): void {
    if (value !== undefined && value <= 0) this.invalid(field, value, 'must be greater than zero');
  }

  immutable(field: string, value: unknown, same: boolean): void {
    if (!same) this.invalid(field, value, 'field is immutable');
  }
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = JSON.stringify(value);
  return typeof value === 'object' ? text.replaceAll(/[<>&\u2028\u2029]/g, escaped) : text;
}

/** Go's JSON can stand in a page. */
const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
