import { messageOf } from '../../base/errors.ts';
import { newBudget } from '../cel/cost.ts';
import { newEnvironment } from '../cel/environment.ts';
import { compileExpression, expressionProblem } from '../cel/expression.ts';
import { boolType } from '../cel/types.ts';

/** What a SubjectAccessReview's spec holds, as it goes to a webhook. */
export interface ReviewSpec {
  readonly user?: string | undefined;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly resourceAttributes?: Readonly<Record<string, unknown>> | undefined;
  readonly nonResourceAttributes?: { readonly path: string; readonly verb: string } | undefined;
}

const prefix = 'kubernetes';
const strings = 'list<string>';

/** The types that expressions may use, by name: upstream's `authorization/cel`. */
const types: Readonly<Record<string, Record<string, string>>> = {
  SelectorRequirement: { key: 'string', operator: 'string', values: strings },
  FieldSelectorAttributes: { rawSelector: 'string', requirements: `list<${prefix}.SelectorRequirement>` },
  LabelSelectorAttributes: { rawSelector: 'string', requirements: `list<${prefix}.SelectorRequirement>` },
  NonResourceAttributes: { path: 'string', verb: 'string' },
  ResourceAttributes: {
    ...Object.fromEntries(
      ['namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'].map((name) => [name, 'string']),
    ),
    fieldSelector: `${prefix}.FieldSelectorAttributes`,
    labelSelector: `${prefix}.LabelSelectorAttributes`,
  },
  SubjectAccessReviewSpec: {
    resourceAttributes: `${prefix}.ResourceAttributes`,
    nonResourceAttributes: `${prefix}.NonResourceAttributes`,
    user: 'string',
    groups: strings,
    extra: `map<string, ${strings}>`,
    uid: 'string',
  },
};

/** What is wrong with a match condition; undefined when nothing is. */
export function matchConditionProblem(expression: string): string | undefined {
  const environment = newEnvironment();
  for (const [name, fields] of Object.entries(types)) environment.registerType(`${prefix}.${name}`, fields);
  environment.registerVariable('request', `${prefix}.SubjectAccessReviewSpec`);
  return expressionProblem(expression, { environment, returns: [boolType] });
}

const blankAttributes = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' };

/** Whether all conditions hold. Throws when one cannot be evaluated and none is false. */
export function reviewMatches(expressions: readonly string[], spec: ReviewSpec): boolean {
  if (expressions.length === 0) return true;
  const request = {
    user: spec.user ?? '',
    uid: spec.uid ?? '',
    groups: spec.groups ?? [],
    extra: spec.extra ?? {},
    ...(spec.resourceAttributes ? { resourceAttributes: { ...blankAttributes, ...spec.resourceAttributes } } : {}),
    ...(spec.nonResourceAttributes ? { nonResourceAttributes: spec.nonResourceAttributes } : {}),
  };
  const failures: string[] = [];
  const budget = newBudget();
  for (const expression of expressions) {
    try {
      if (compileExpression(expression, ['request'])({ request }, budget) !== true) return false;
    } catch (error) {
      failures.push(`cel evaluation error: expression '${expression}' resulted in error: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) throw new Error(failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`);
  return true;
}
