import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { compileExpression } from '../cel/expression.ts';
import { additionalOf, isObject, itemsOf, type Json, type Schema } from './structural.ts';

interface ValidationRule {
  rule?: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

const rulesOf = (schema: Schema): readonly ValidationRule[] =>
  ((schema as Record<string, unknown>)['x-kubernetes-validations'] ?? []) as ValidationRule[];

const present = new WeakMap<Schema, boolean>();

/** Whether there is a rule anywhere in the schema. */
export function hasRules(schema: Schema): boolean {
  let known = present.get(schema);
  if (known === undefined) {
    const additional = additionalOf(schema);
    const items = itemsOf(schema);
    known =
      rulesOf(schema).length > 0 ||
      Object.values(schema.properties ?? {}).some((property) => hasRules(property as Schema)) ||
      (isObject(additional) && hasRules(additional as Schema)) ||
      (items !== undefined && hasRules(items));
    present.set(schema, known);
  }
  return known;
}

const child = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** Checks the CEL rules of a structural schema; transition rules (`oldSelf`) only where there was a value before. */
export function checkRules(value: Json, old: Json, schema: Schema, path = ''): StatusCause[] {
  const causes: StatusCause[] = [];
  if (hasRules(schema)) visit(value, old, schema, path, causes);
  return causes;
}

function visit(value: Json, old: Json, schema: Schema, path: string, causes: StatusCause[]): void {
  if (value === undefined || value === null || !hasRules(schema)) return;
  for (const rule of rulesOf(schema)) checkRule(rule, value, old, schema, path, causes);
  if (isObject(value)) {
    const before = isObject(old) ? old : {};
    const additional = additionalOf(schema);
    for (const [key, item] of Object.entries(value)) {
      const property = (schema.properties?.[key] ?? (isObject(additional) ? additional : undefined)) as
        | Schema
        | undefined;
      if (property) visit(item, before[key], property, child(path, key), causes);
    }
  } else if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items) return;
    const keys = schema['x-kubernetes-list-map-keys'];
    for (const [i, item] of value.entries()) visit(item, counterpart(item, old, keys), items, `${path}[${i}]`, causes);
  }
}

/** The old item of a list that is a map by keys; items of other lists have no counterpart. */
function counterpart(item: Json, old: Json, keys: readonly string[] | undefined): Json {
  if (!keys || !Array.isArray(old) || !isObject(item)) return undefined;
  return old.find((other) => isObject(other) && keys.every((key) => other[key] === item[key]));
}

function checkRule(
  rule: ValidationRule,
  value: Json,
  old: Json,
  schema: Schema,
  path: string,
  causes: StatusCause[],
): void {
  const text = rule.rule ?? '';
  const transition = /\boldSelf\b/.test(text);
  if (transition && old === undefined && !rule.optionalOldSelf) return;
  const field = (rule.fieldPath ? `${path}${rule.fieldPath}` : path) || '<nil>';
  const add = (message: string): void =>
    void causes.push({
      reason: rule.reason ?? 'FieldValueInvalid',
      field,
      message: `Invalid value: "${schema.type ?? 'object'}": ${message}`,
    });
  const values = transition ? { self: value, oldSelf: old ?? null } : { self: value };
  try {
    if (compileExpression(text, Object.keys(values))(values) === true) return;
    add(messageOf(rule, values) ?? rule.message ?? `failed rule: ${text}`);
  } catch (error) {
    add(`rule evaluation error: ${(error as Error).message}, evaluating rule: ${text}`);
  }
}

function messageOf(rule: ValidationRule, values: Record<string, Json>): string | undefined {
  if (!rule.messageExpression) return undefined;
  try {
    const text = compileExpression(rule.messageExpression, Object.keys(values))(values);
    return typeof text === 'string' && text !== '' ? text : undefined;
  } catch {
    return undefined;
  }
}
