import type { Environment } from '@marcbachmann/cel-js';
import type { CustomResourceDefinition } from '../../api/gen/apiextensions-v1.ts';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { Problems } from '../../api/validation/problems.ts';
import { newEnvironment } from '../cel/environment.ts';
import { allowedElements, costProblem, estimatedCost, mostOccurrences } from '../cel/estimate.ts';
import { expressionProblem } from '../cel/expression.ts';
import { declareSchema } from './cel-types.ts';
import { isKnownFormat } from './formats.ts';
import { checkRules } from './rules.ts';
import { additionalOf, fillDefaults, isObject, itemsOf, prune, type Schema } from './structural.ts';
import { validateValue } from './validate-value.ts';

interface Rule {
  rule?: string;
  message?: string;
  messageExpression?: string;
}

const rulesOf = (schema: Schema): readonly Rule[] =>
  ((schema as Record<string, unknown>)['x-kubernetes-validations'] ?? []) as Rule[];

interface Visit {
  schema: Schema;
  path: string;
  root: boolean;
  /** How often the place may be there at the most; Infinity where a list or map around it has no bound. */
  times: number;
}

function* nested(schema: Schema, path: string, root = true, times = 1): Generator<Visit> {
  yield { schema, path, root, times };
  for (const [key, property] of Object.entries(schema.properties ?? {}))
    yield* nested(property as Schema, `${path}.properties[${key}]`, false, times);
  const each = times * allowedElements(schema as never);
  const items = itemsOf(schema);
  if (items) yield* nested(items, `${path}.items`, false, each);
  const additional = additionalOf(schema);
  if (isObject(additional)) yield* nested(additional as Schema, `${path}.additionalProperties`, false, each);
}

const environments = new WeakMap<Schema, Map<boolean, Environment>>();

/** What the rules of a schema may name; made once for all of them. */
function environmentOf(schema: Schema, root: boolean, optionalOldSelf: boolean): Environment {
  const known = environments.get(schema) ?? new Map<boolean, Environment>();
  environments.set(schema, known);
  let environment = known.get(optionalOldSelf);
  if (!environment) {
    environment = newEnvironment();
    const type = declareSchema(environment, schema, 'selfType', root);
    environment.registerVariable('self', type);
    environment.registerVariable('oldSelf', optionalOldSelf ? `optional<${type}>` : type);
    known.set(optionalOldSelf, environment);
  }
  return environment;
}

function checkRule(p: Problems, { schema, path, root, times }: Visit, rule: Rule, index: number): void {
  const at = `${path}.x-kubernetes-validations[${index}]`;
  const text = rule.rule?.trim() ?? '';
  if (text === '') {
    p.required(`${at}.rule`, 'rule is not specified');
    return;
  }
  if (rule.message && rule.message.trim() === '')
    p.invalid(`${at}.message`, rule.message, 'must be non-empty if specified');
  else if (/[\n\r]/.test(rule.message?.trim() ?? ''))
    p.invalid(`${at}.message`, rule.message, 'must not contain line breaks');
  else if (/[\n\r]/.test(text) && !rule.message?.trim())
    p.required(`${at}.message`, 'message must be specified if rule contains line breaks');
  const environment = environmentOf(schema, root, (rule as { optionalOldSelf?: boolean }).optionalOldSelf ?? false);
  const check = (expression: string, returns: string): string | undefined =>
    expressionProblem(expression, { environment, returns: [returns] });
  const problem = check(text, 'bool');
  if (problem !== undefined) {
    const told = problem.startsWith('must evaluate') ? 'cel expression must evaluate to a bool' : problem;
    p.invalid(`${at}.rule`, rule, told);
    return;
  }
  const most = Number.isFinite(times) ? times : mostOccurrences(schema as never);
  const costly = costProblem('estimated rule cost', most * estimatedCost(text, schema));
  if (costly !== undefined) p.forbidden(`${at}.rule`, costly);
  if (!rule.messageExpression) return;
  const wrong = check(rule.messageExpression, 'string');
  if (wrong !== undefined)
    p.invalid(
      `${at}.messageExpression`,
      rule,
      wrong.startsWith('must evaluate') ? 'messageExpression must evaluate to a string' : `messageExpression ${wrong}`,
    );
}

/** A default has to be what its schema allows, with nothing to prune. */
function checkDefault(p: Problems, { schema, path }: Visit): void {
  if (schema.default === undefined) return;
  const at = `${path}.default`;
  const filled = structuredClone(schema.default) as unknown;
  const unknown = prune(filled, schema, schema['x-kubernetes-embedded-resource'] ?? false);
  if (unknown.length > 0) p.invalid(at, schema.default, `must not have unknown fields: ${unknown.join(', ')}`);
  fillDefaults(filled, schema);
  const wrong = [...validateValue(filled, schema), ...checkRules(filled, undefined, schema)];
  for (const cause of wrong) {
    const field = !cause.field || cause.field === '<nil>' ? at : `${at}.${cause.field}`;
    p.causes.push({ ...cause, field });
  }
}

function schemasOf(crd: CustomResourceDefinition): { schema: Schema; path: string; name: string }[] {
  const single = crd.spec?.versions?.length === 1;
  return (crd.spec?.versions ?? []).flatMap((version, i) => {
    const schema = version.schema?.openAPIV3Schema as Schema | undefined;
    const path = single ? 'spec.validation.openAPIV3Schema' : `spec.versions[${i}].schema.openAPIV3Schema`;
    return schema ? [{ schema, path, name: version.name }] : [];
  });
}

/** What is wrong with the rules and defaults of a definition. A schema that has not changed is not looked at again. */
export function definitionProblems(crd: CustomResourceDefinition, old?: CustomResourceDefinition): StatusCause[] {
  const p = new Problems();
  const before = new Map(old ? schemasOf(old).map(({ name, schema }) => [name, JSON.stringify(schema)]) : []);
  for (const { schema, path, name } of schemasOf(crd)) {
    if (before.get(name) === JSON.stringify(schema)) continue;
    for (const visit of nested(schema, path)) {
      for (const [i, rule] of rulesOf(visit.schema).entries()) checkRule(p, visit, rule, i);
      checkDefault(p, visit);
    }
  }
  return p.causes;
}

/** Formats that nobody knows are allowed, and told. */
export function formatWarnings(crd: CustomResourceDefinition, old?: CustomResourceDefinition): string[] {
  const formats = (one: CustomResourceDefinition | undefined): Set<string> => {
    const found = new Set<string>();
    for (const { schema, path } of one ? schemasOf(one) : [])
      for (const { schema: inner } of nested(schema, path))
        if (inner.format && !isKnownFormat(inner.format)) found.add(inner.format);
    return found;
  };
  const known = formats(old);
  return [...formats(crd)]
    .filter((format) => !known.has(format))
    .sort()
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}
