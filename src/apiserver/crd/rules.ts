import { Optional } from '@marcbachmann/cel-js';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { type Budget, CostError, newBudget, outOfBudget } from '../cel/cost.ts';
import { compileExpression } from '../cel/expression.ts';
import { celValue } from '../cel/values.ts';
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
  if (hasRules(schema)) visit({ value, old, schema, path, causes, budget: newBudget() });
  return causes;
}

const longestMessage = 5 * 1024;

function visit(site: Site): void {
  const { value, old, schema, path } = site;
  if (value === undefined || value === null || !hasRules(schema)) return;
  for (const rule of rulesOf(schema)) if (!checkRule(rule, site)) return;
  if (isObject(value)) {
    const before = isObject(old) ? old : {};
    const additional = additionalOf(schema);
    for (const [key, item] of Object.entries(value)) {
      const property = (schema.properties?.[key] ?? (isObject(additional) ? additional : undefined)) as
        | Schema
        | undefined;
      if (property) visit({ ...site, value: item, old: before[key], schema: property, path: child(path, key) });
      if (site.budget.left <= 0) return;
    }
  } else if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items) return;
    const keys = schema['x-kubernetes-list-map-keys'];
    for (const [i, item] of value.entries()) {
      visit({ ...site, value: item, old: counterpart(item, old, keys), schema: items, path: `${path}[${i}]` });
      if (site.budget.left <= 0) return;
    }
  }
}

/** The old item of a list that is a map by keys; items of other lists have no counterpart. */
function counterpart(item: Json, old: Json, keys: readonly string[] | undefined): Json {
  if (!keys || !Array.isArray(old) || !isObject(item)) return undefined;
  return old.find((other) => isObject(other) && keys.every((key) => other[key] === item[key]));
}

/** A value as its rules see it, converted once however many rules there are. */
const converted = new WeakMap<object, unknown>();

function seen(value: Json, schema: Schema): unknown {
  if (typeof value !== 'object' || value === null) return celValue(value, schema);
  let known = converted.get(value);
  if (known === undefined) {
    known = celValue(value, schema);
    converted.set(value, known);
  }
  return known;
}

interface Site {
  value: Json;
  old: Json;
  schema: Schema;
  path: string;
  causes: StatusCause[];
  budget: Budget;
}

/** False: the rules have spent what they may, no further one is to be asked. */
function checkRule(rule: ValidationRule, { value, old, schema, path, causes, budget }: Site): boolean {
  const text = rule.rule ?? '';
  const transition = /\boldSelf\b/.test(text);
  if (transition && old === undefined && !rule.optionalOldSelf) return true;
  const field = (rule.fieldPath ? `${path}${rule.fieldPath}` : path).replace(/^\./, '') || '<nil>';
  const add = (message: string, where = field, reason = 'FieldValueInvalid'): void =>
    void causes.push({
      reason,
      field: where,
      message: `Invalid value: "${schema.type ?? 'object'}": ${message}`,
    });
  const shown = text.replaceAll(/\s*\n\s*/g, ' ').trim();
  const values: Record<string, unknown> = { self: seen(value, schema) };
  if (transition) values.oldSelf = rule.optionalOldSelf ? optional(old, schema) : seen(old, schema);
  try {
    if (compileExpression(text, Object.keys(values))(values, budget) === true) return true;
    add(messageOf(rule, values, budget) ?? rule.message ?? `failed rule: ${shown}`, field, rule.reason);
    return true;
  } catch (error) {
    if (!(error instanceof CostError)) {
      const why = (error as Error).message;
      add(why.startsWith('compilation failed') ? `rule compile error: ${why}` : `${why} evaluating rule: ${shown}`);
      return true;
    }
    if (budget.left <= 0) add(outOfBudget, path || '<nil>');
    else
      add(
        `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`,
        path || '<nil>',
      );
    budget.left = 0;
    return false;
  }
}

const optional = (old: Json, schema: Schema): unknown =>
  old === undefined ? Optional.none() : Optional.of(seen(old, schema));

function messageOf(rule: ValidationRule, values: Record<string, unknown>, budget: Budget): string | undefined {
  if (!rule.messageExpression) return undefined;
  try {
    const text = compileExpression(rule.messageExpression, Object.keys(values))(values, budget);
    if (typeof text !== 'string' || text.includes('\n') || text.length > longestMessage) return undefined;
    return text.trim() === '' ? undefined : text.trim();
  } catch {
    return undefined;
  }
}
