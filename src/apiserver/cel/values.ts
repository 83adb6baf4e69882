import { evaluate } from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import { formatQuantity } from '../../api/quantity.ts';
import { QuantityValue } from './library/quantity.ts';

/** What of a JSON schema says how CEL sees a value. */
export interface ValueSchema {
  readonly type?: string | undefined;
  readonly format?: string | undefined;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
  readonly items?: unknown;
  readonly additionalProperties?: unknown;
}

const reserved = new Set(
  ['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import'].concat(
    ['let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'],
  ),
);

const escapes: Readonly<Record<string, string>> = {
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** A property's name as expressions spell it; undefined when they cannot. Upstream: `cel.Escape`. */
export function escapedName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replaceAll(/__|[./-]/g, (found) => escapes[found] ?? '__underscores__');
}

const isSchema = (value: unknown): value is ValueSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * JSON data as CEL has it: whole numbers are int64 (unless the schema says number), objects are maps, and properties of
 * a schema go by their escaped names. The data itself is left alone.
 */
export function celValue(value: unknown, schema?: unknown): unknown {
  const by = isSchema(schema) ? schema : undefined;
  if (typeof value === 'number') return Number.isInteger(value) && by?.type !== 'number' ? BigInt(value) : value;
  if (typeof value === 'string') return by?.format === undefined ? value : formatted(value, by.format);
  if (Array.isArray(value)) return value.map((item) => celValue(item, by?.items));
  if (value instanceof Map || value instanceof Date || value instanceof Duration) return value;
  if (typeof value === 'object' && value !== null) {
    if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) return value;
    const result = new Map<string, unknown>();
    for (const [key, item] of Object.entries(value)) {
      const property = by?.properties?.[key];
      const name = property === undefined ? key : (escapedName(key) ?? key);
      if (item !== undefined) result.set(name, celValue(item, property ?? by?.additionalProperties));
    }
    return result;
  }
  return value === undefined ? null : value;
}

function formatted(text: string, format: string): unknown {
  if (format === 'date-time' || format === 'date') {
    const time = Date.parse(text);
    return Number.isNaN(time) ? text : new Date(time);
  }
  if (format !== 'duration') return text;
  try {
    return evaluate('duration(text)', { text });
  } catch {
    return text;
  }
}

/** What an expression gave, as JSON data. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), jsonOf(item)]));
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, 'Z');
  if (value instanceof Duration) return value.toString();
  if (value instanceof QuantityValue) return formatQuantity(value.quantity);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item)]));
  return value;
}
