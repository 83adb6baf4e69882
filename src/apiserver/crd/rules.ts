import { sameValue } from '../../api/equal.ts';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { type Budget, CostError, newBudget, outOfBudget } from '../cel/cost.ts';
import type { Environment } from '../cel/environment.ts';
import { compileExpression, readExpression } from '../cel/expression.ts';
import { usesName } from '../cel/tree.ts';
import { celValue, Optional } from '../cel/values.ts';
import { placeOf } from './field-path.ts';
import { rulesOf, scopeOf, type ValidationRule } from './rule-environment.ts';
import { additionalOf, isObject, itemsOf, type Json, type Schema } from './structural.ts';

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

interface RuleOptions {
  /** Default true: the schema is that of a whole resource. */
  root?: boolean;
  /** Told of what is wrong in values that have not changed, which is let be. */
  onRatcheted?: (cause: StatusCause) => void;
}

/** Checks the CEL rules of a structural schema; transition rules (`oldSelf`) only where there was a value before. */
export function checkRules(value: Json, old: Json, schema: Schema, options: RuleOptions = {}): StatusCause[] {
  const causes: StatusCause[] = [];
  const { root = true, onRatcheted = () => {} } = options;
  const site = { value, old, schema, path: '', root, unchanged: false, causes, budget: newBudget(), onRatcheted };
  if (hasRules(schema)) visit(site);
  return causes;
}

interface Site {
  value: Json;
  old: Json;
  schema: Schema;
  path: string;
  root: boolean;
  /** Whether the innermost value around it that has a counterpart is what it was. */
  unchanged: boolean;
  causes: StatusCause[];
  budget: Budget;
  onRatcheted: (cause: StatusCause) => void;
}

const longestMessage = 5 * 1024;

function visit(given: Site): void {
  const { value, old, schema, path } = given;
  if (value === undefined || value === null || !hasRules(schema)) return;
  const site = old === undefined ? given : { ...given, unchanged: sameValue(value, old) };
  for (const rule of rulesOf(schema)) if (!checkRule(rule, site)) return;
  const below = { ...site, root: false };
  if (isObject(value)) {
    const before = isObject(old) ? old : {};
    const additional = additionalOf(schema);
    for (const [key, item] of Object.entries(value)) {
      const known = schema.properties?.[key] as Schema | undefined;
      const property = known ?? ((isObject(additional) ? additional : undefined) as Schema | undefined);
      if (!property) continue;
      const at = known ? child(path, key) : `${path}[${key}]`;
      visit({ ...below, value: item, old: before[key], schema: property, path: at });
      if (site.budget.left <= 0) return;
    }
  } else if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items) return;
    const keys = schema['x-kubernetes-list-map-keys'];
    for (const [i, item] of value.entries()) {
      visit({ ...below, value: item, old: counterpart(item, old, keys), schema: items, path: `${path}[${i}]` });
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

const transitions = new WeakMap<Environment, Map<string, boolean>>();

/** Whether a rule names `oldSelf`. */
function isTransition(text: string, environment: Environment): boolean {
  const known = transitions.get(environment) ?? new Map<string, boolean>();
  transitions.set(environment, known);
  let found = known.get(text);
  if (found === undefined) {
    const read = text.includes('oldSelf') ? readExpression(text, environment) : undefined;
    found = read !== undefined && 'tree' in read && usesName(read.tree, 'oldSelf');
    known.set(text, found);
  }
  return found;
}

/** False: the rules have spent what they may, no further one is to be asked. */
function checkRule(rule: ValidationRule, site: Site): boolean {
  const { value, old, schema, path, root, causes, budget } = site;
  const text = rule.rule ?? '';
  const environment = scopeOf(schema, root)?.environment(rule.optionalOldSelf ?? false);
  if (text.trim() === '' || !environment) return true;
  const add = (message: string): void =>
    void causes.push({
      reason: 'FieldValueInvalid',
      field: path || '<nil>',
      message: `Invalid value: "${schema.type ?? ''}": ${message}`,
    });
  const shown = (rule.message || text).trim();
  const transition = isTransition(text, environment);
  if (transition && old === undefined && !rule.optionalOldSelf) return true;
  const values: Record<string, unknown> = { self: seen(value, schema) };
  if (transition) values.oldSelf = rule.optionalOldSelf ? optional(old, schema) : seen(old, schema);
  try {
    const holds = compileExpression(text, environment)(values, budget);
    if (holds === true) return true;
    if (typeof holds !== 'boolean') {
      add('rule compile error: cel expression must evaluate to a bool');
      return true;
    }
    const message = messageOf(rule, values, environment, budget) ?? (rule.message?.trim() || `failed rule: ${shown}`);
    const cause = failure(rule, site, message);
    if (!transition && site.unchanged) site.onRatcheted(cause);
    else causes.push(cause);
    return true;
  } catch (error) {
    const why = (error as Error).message;
    if (error instanceof CostError) {
      const call = `'${why}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`;
      add(budget.left <= 0 ? outOfBudget : call);
      budget.left = 0;
      return false;
    }
    const unsupported = `call arguments did not match a supported operator, function or macro signature for rule: ${shown}`;
    if (/^(compilation|program instantiation) failed/.test(why)) add(`rule compile error: ${why}`);
    else if (why.startsWith('no such overload')) add(`'${why}': ${unsupported}`);
    else add(`${why} evaluating rule: ${shown}`);
    return true;
  }
}

/** What is said of a value for which a rule does not hold: small values are shown. */
function failure(rule: ValidationRule, { value, schema, path }: Site, message: string): StatusCause {
  const place = rule.fieldPath ? placeOf(schema, rule.fieldPath) : undefined;
  const field = (place === undefined ? path : place.startsWith('[') ? path + place : child(path, place)) || '<nil>';
  const whole = schema.type === 'object' || schema.type === 'array';
  const detail = whole ? message : `${JSON.stringify(value)}: ${message}`;
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return { reason: rule.reason, field, message: `Forbidden: ${message}` };
    case 'FieldValueRequired':
      return { reason: rule.reason, field, message: `Required value: ${message}` };
    case 'FieldValueDuplicate':
      return {
        reason: rule.reason,
        field,
        message: whole ? 'Duplicate value' : `Duplicate value: ${JSON.stringify(value)}`,
      };
    default:
      return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${detail}` };
  }
}

const optional = (old: Json, schema: Schema): unknown =>
  old === undefined ? Optional.none : Optional.of(seen(old, schema));

function messageOf(
  rule: ValidationRule,
  values: Record<string, unknown>,
  environment: Environment,
  budget: Budget,
): string | undefined {
  if (!rule.messageExpression) return undefined;
  try {
    const text = compileExpression(rule.messageExpression, environment)(values, budget);
    if (typeof text !== 'string' || text.trim().includes('\n') || text.length > longestMessage) return undefined;
    return text.trim() === '' ? undefined : text.trim();
  } catch (error) {
    if (error instanceof CostError) throw error;
    return undefined;
  }
}
