import type { CustomResourceDefinition } from '../../api/gen/apiextensions-v1.ts';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { versionPaths } from '../../api/validation/definitions.ts';
import { Problems } from '../../api/validation/problems.ts';
import { structuralProblems } from '../../api/validation/structural-schema.ts';
import type { Environment } from '../cel/environment.ts';
import { estimateCost } from '../cel/estimate.ts';
import { readExpression } from '../cel/expression.ts';
import { goPattern } from '../cel/regex.ts';
import { usesName } from '../cel/tree.ts';
import { type Declared, mostOccurrences, sizeAt } from './cel-types.ts';
import { valueProblems } from './embedded.ts';
import { findPlace, placeOf } from './field-path.ts';
import { isKnownFormat } from './formats.ts';
import { listProblems } from './lists.ts';
import { type RuleScope, rulesOf, scopeOf, type ValidationRule } from './rule-environment.ts';
import { checkRules } from './rules.ts';
import { type Place, placesIn } from './schema-places.ts';
import { fillDefaults, type Json, prune, type Schema } from './structural.ts';
import { validateValue } from './validate-value.ts';

/** One rule may cost so much at the most, over all places where it can stand, and all of a schema. */
const ruleLimit = 10_000_000;
const schemaLimit = 100_000_000;

interface Costs {
  total: number;
  most: { path: string; cost: number }[];
}

function observe(costs: Costs, path: string, cost: number): void {
  costs.total += cost;
  if (cost < schemaLimit / 100) return;
  costs.most = [...costs.most, { path, cost }].sort((a, b) => b.cost - a.cost).slice(0, 4);
}

/** Upstream: `getCostErrorMessage`. */
function costText(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** A rule as messages show it. */
const shownRule = (rule: ValidationRule): object => ({
  Rule: rule.rule ?? '',
  Message: rule.message ?? '',
  MessageExpression: rule.messageExpression ?? '',
  Reason: rule.reason ?? null,
  FieldPath: rule.fieldPath ?? '',
  OptionalOldSelf: rule.optionalOldSelf ?? null,
});

function checkTexts(p: Problems, at: string, schema: Schema, rule: ValidationRule): void {
  const text = rule.rule?.trim() ?? '';
  const breaks = (given: string): boolean => /[\n\r]/.test(given);
  if (text === '') p.required(`${at}.rule`, 'rule is not specified');
  else if (rule.message && rule.message.trim() === '') {
    p.invalid(`${at}.message`, rule.message, 'must be non-empty if specified');
  } else if (breaks(rule.message?.trim() ?? '')) {
    p.invalid(`${at}.message`, rule.message, 'must not contain line breaks');
  } else if (breaks(text) && !rule.message?.trim()) {
    p.required(`${at}.message`, 'message must be specified if rule contains line breaks');
  }
  if (rule.messageExpression && rule.messageExpression.trim() === '') {
    p.required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified');
  }
  const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    p.unsupported(`${at}.reason`, rule.reason, reasons);
  }
  const { fieldPath } = rule;
  if (!fieldPath) return;
  if (fieldPath.trim() === '') p.invalid(`${at}.fieldPath`, fieldPath, 'must be non-empty if specified');
  if (breaks(fieldPath)) p.invalid(`${at}.fieldPath`, fieldPath, 'must not contain line breaks');
  if (placeOf(schema, fieldPath) === undefined) p.invalid(`${at}.fieldPath`, fieldPath, 'must be a valid path');
}

interface Compiled {
  readonly environment: Environment;
  readonly declared: Declared;
}

/** Reads an expression of a rule and says what is wrong; gives what it costs over all its places. */
function costOf({ times }: Place, { environment, declared }: Compiled, text: string) {
  const read = readExpression(text, environment);
  if ('problem' in read) return read;
  const { tree, checked } = read;
  const { max } = estimateCost(tree, checked, (path) => sizeAt(declared, path));
  const places = Number.isFinite(times) ? times : mostOccurrences(declared);
  return { tree, type: checked.type, cost: max * places };
}

const unusedOldSelf = 'may not be set if oldSelf is not used in rule';

function compileRule(
  p: Problems,
  place: Place,
  compiled: Compiled,
  rule: ValidationRule,
  at: string,
  costs: Costs,
): void {
  const found = costOf(place, compiled, rule.rule ?? '');
  if ('problem' in found) {
    p.invalid(`${at}.rule`, shownRule(rule), found.problem);
    if (rule.optionalOldSelf !== undefined) p.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, unusedOldSelf);
    return;
  }
  if (found.type.kind !== 'bool') {
    p.invalid(`${at}.rule`, shownRule(rule), 'cel expression must evaluate to a bool');
    return;
  }
  if (found.cost > ruleLimit) p.forbidden(`${at}.rule`, costText('estimated rule cost', found.cost, ruleLimit));
  observe(costs, `${at}.rule`, found.cost);
  if (rule.messageExpression) compileMessage(p, place, compiled, rule, at, costs);
  if (usesName(found.tree, 'oldSelf')) {
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelated}`;
    if (place.uncorrelated !== undefined) p.invalid(`${at}.rule`, rule.rule, why);
  } else if (rule.optionalOldSelf !== undefined) {
    p.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, unusedOldSelf);
  }
}

function compileMessage(
  p: Problems,
  place: Place,
  compiled: Compiled,
  rule: ValidationRule,
  at: string,
  costs: Costs,
): void {
  const field = `${at}.messageExpression`;
  const found = costOf({ ...place, times: 1 }, compiled, rule.messageExpression ?? '');
  if ('problem' in found) p.invalid(field, shownRule(rule), `messageExpression ${found.problem}`);
  else if (found.type.kind !== 'string') {
    p.invalid(field, shownRule(rule), 'messageExpression must evaluate to a string');
  } else {
    if (found.cost > ruleLimit) {
      p.forbidden(field, costText('estimated messageExpression cost', found.cost, ruleLimit));
    }
    observe(costs, field, found.cost);
  }
}

/** `compiling`: its texts alone are looked at otherwise. */
function checkRulesOf(p: Problems, place: Place, costs: Costs, compiling: boolean): void {
  const { schema, path, root } = place;
  const rules = rulesOf(schema);
  if (rules.length === 0) return;
  const before = p.causes.length;
  const at = (i: number): string => `${path}.x-kubernetes-validations[${i}]`;
  for (const [i, rule] of rules.entries()) checkTexts(p, at(i), schema, rule);
  if (!compiling || p.causes.length > before) return;
  const scope = scopeOf(schema, root);
  for (const [i, rule] of scope ? rules.entries() : []) {
    const environment = (scope as RuleScope).environment(rule.optionalOldSelf ?? false);
    compileRule(p, place, { environment, declared: (scope as RuleScope).declared }, rule, at(i), costs);
  }
}

/** What is wrong with a default as metadata, of the resource that it is or of the one that it is a part of. */
function metadataProblems(p: Problems, at: string, { schema, resource }: Place): void {
  if (!resource) {
    p.causes.push(...valueProblems(schema.default as Json, schema, at));
    return;
  }
  const wrong = valueProblems(resource.around(schema.default as Json), resource.schema, '');
  const texts = wrong.map(({ field, message }) => `${field}: ${message}`);
  if (texts.length === 0) return;
  const why = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  p.invalid(at, schema.default, `must result in valid metadata: ${why}`);
}

/** A default has to be what its schema allows, with nothing to prune. */
function checkDefault(p: Problems, place: Place): void {
  const { schema, path, root } = place;
  if (schema.default === undefined) return;
  const at = `${path}.default`;
  const filled = structuredClone(schema.default) as unknown;
  const unknown = place.resource ? [] : prune(filled, schema, schema['x-kubernetes-embedded-resource'] ?? false);
  if (unknown.length > 0) p.invalid(at, schema.default, 'must not have unknown fields');
  const before = p.causes.length;
  metadataProblems(p, at, place);
  if (p.causes.length > before) return;
  fillDefaults(filled, schema);
  const wrong = [
    ...validateValue(filled, schema),
    ...listProblems(filled, schema),
    ...checkRules(filled, undefined, schema, { root }),
  ];
  for (const cause of wrong) {
    const field = !cause.field || cause.field === '<nil>' ? at : `${at}.${cause.field}`;
    p.causes.push({ ...cause, field });
  }
}

function schemasOf(crd: CustomResourceDefinition): { schema: Schema; path: string; name: string }[] {
  const paths = versionPaths(crd.spec);
  return (crd.spec?.versions ?? []).flatMap((version, i) => {
    const schema = version.schema?.openAPIV3Schema as Schema | undefined;
    return schema && paths.isFirst(i, 'schema') ? [{ schema, path: paths.schema(i), name: version.name }] : [];
  });
}

function checkPattern(p: Problems, { schema: { pattern }, path }: Place): void {
  if (!pattern) return;
  try {
    goPattern(pattern);
  } catch (error) {
    const why = (error as Error).message;
    p.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`);
  }
}

/** What is wrong with the rules and defaults of a definition. A schema that has not changed is not looked at again. */
export function definitionProblems(crd: CustomResourceDefinition, old?: CustomResourceDefinition): StatusCause[] {
  const p = new Problems();
  const before = new Map(old ? schemasOf(old).map(({ name, schema }) => [name, JSON.stringify(schema)]) : []);
  for (const { schema, path, name } of schemasOf(crd)) {
    if (before.get(name) === JSON.stringify(schema)) continue;
    const costs: Costs = { total: 0, most: [] };
    const places = [...placesIn(schema, path)];
    const known = p.causes.length;
    // Of what has no known form, nothing more can be told.
    const isStructural = structuralProblems(path, schema).causes.length === 0;
    for (const place of places) checkPattern(p, place);
    for (const place of isStructural && p.causes.length === known ? places : []) checkDefault(p, place);
    const compiling = isStructural && p.causes.length === known;
    for (const place of places) checkRulesOf(p, place, costs, compiling);
    if (costs.total <= schemaLimit) continue;
    const whole = 'estimated rule cost total for entire OpenAPIv3 schema';
    const part = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
    for (const { path: expensive } of costs.most) p.forbidden(expensive, part);
    p.forbidden(path, costText(`x-kubernetes-validations ${whole}`, costs.total, schemaLimit));
  }
  checkSelectable(p, crd, old);
  return p.causes;
}

const mostSelectable = 8;
const selectableTypes = ['boolean', 'integer', 'string'];

type Version = NonNullable<CustomResourceDefinition['spec']['versions']>[number];

const countSelectable = ({ selectableFields = [] }: Version): number =>
  new Set(selectableFields.map(({ jsonPath }) => jsonPath)).size;

/** Fields that lists can be asked by: plain values outside of the metadata. */
function checkSelectable(p: Problems, crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): void {
  const paths = versionPaths(crd.spec);
  for (const [i, version] of (crd.spec?.versions ?? []).entries()) {
    if (!paths.isFirst(i, 'selectableFields')) continue;
    const at = paths.selectable(i);
    const fields = version.selectableFields ?? [];
    if (fields.length === 0) continue;
    const isAbove = !at.startsWith('spec.versions');
    const schema = version.schema?.openAPIV3Schema as Schema | undefined;
    if (!schema || (isAbove && !paths.schema(i).startsWith('spec.validation'))) {
      const where = isAbove ? 'validations.schema is included' : '`version.schema.openAPIV3Schema` is not included';
      p.invalid(at, '', `may only be set when ${where}`);
      continue;
    }
    const seen = new Set<string>();
    for (const [j, { jsonPath = '' }] of fields.entries())
      checkSelectableField(p, `${at}[${j}]`, schema, jsonPath, seen);
    const before = old?.spec?.versions?.find(({ name }) => name === version.name);
    if (seen.size <= mostSelectable || (before && countSelectable(before) > mostSelectable)) continue;
    p.tooMany(at, seen.size, mostSelectable);
  }
}

function checkSelectableField(p: Problems, at: string, schema: Schema, path: string, seen: Set<string>): void {
  const field = `${at}.jsonPath`;
  if (path === '') {
    p.required(field);
    return;
  }
  const found = findPlace(schema, path);
  if ('wrong' in found) {
    p.invalid(field, path, `is an invalid path: ${found.wrong}`);
    return;
  }
  const { place, schema: target } = found;
  if (/^metadata(\.|$)/.test(place)) p.invalid(field, path, 'must not point to fields in metadata');
  if (!selectableTypes.includes(target.type ?? '')) {
    const types = 'string, boolean or integer. Enum string fields and strings with formats are allowed.';
    p.invalid(field, path, `must point to a field of type ${types}`);
  }
  if (seen.has(place)) p.duplicate(field, path);
  seen.add(place);
}

/** Formats that nobody knows are allowed, and told. */
export function formatWarnings(crd: CustomResourceDefinition, old?: CustomResourceDefinition): string[] {
  const formats = (one: CustomResourceDefinition | undefined): Set<string> => {
    const found = new Set<string>();
    for (const { schema, path } of one ? schemasOf(one) : [])
      for (const { schema: inner } of placesIn(schema, path))
        if (inner.format && !isKnownFormat(inner.format)) found.add(inner.format);
    return found;
  };
  const known = formats(old);
  return [...formats(crd)]
    .filter((format) => !known.has(format))
    .sort()
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}
