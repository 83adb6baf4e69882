import type { MatchCondition, ParamKind, Variable } from '../../../api/gen/admissionregistration-v1.ts';
import { messageOf } from '../../../base/errors.ts';
import type { SettledAuthorizer } from '../../authz/authorizer.ts';
import { type Budget, CostError, matchConditionsCost, newBudget, outOfBudget } from '../../cel/cost.ts';
import type { Environment } from '../../cel/environment.ts';
import { compileExpression } from '../../cel/expression.ts';
import { authorizerValues, requestValue, shownObject } from '../../cel/match-conditions.ts';
import { celValue } from '../../cel/values.ts';
import type { AdmissionAttributes, Frozen } from '../../registry/types.ts';

export interface EvaluationInput {
  attributes: AdmissionAttributes;
  /** Taken in place of the attributes' own object. */
  object?: unknown;
  namespace: Frozen | undefined;
  params: Frozen | null;
  paramKind: ParamKind | undefined;
  authorizer: SettledAuthorizer;
  variables: readonly Variable[] | undefined;
  /** What its expressions may name. */
  environment: Environment;
}

/** One policy on one request: evaluates its expressions, each variable at most once, all on one budget. */
export interface Evaluation {
  /** Throws Error with upstream's text: `expression '…' resulted in error: …`. `on`: a budget other than the policy's. */
  evaluate(expression: string, on?: Budget): unknown;
  /** Whether all hold. Throws when one cannot be evaluated and none is false. */
  matches(conditions: readonly MatchCondition[] | undefined): boolean;
}

function paramsOf(params: Frozen | null, kind: ParamKind | undefined): unknown {
  return params && kind ? { apiVersion: kind.apiVersion, kind: kind.kind, ...params } : params;
}

/** Upstream gives a request on a namespace no namespace. */
export const namespaceOfRequest = (a: AdmissionAttributes): string =>
  a.kind.group === '' && a.kind.kind === 'Namespace' ? '' : a.namespace;

export function createEvaluation(input: EvaluationInput): Evaluation {
  const { attributes: a, variables = [] } = input;
  const budget: Budget = newBudget();
  const values: Record<string, unknown> = {
    object: celValue('object' in input ? input.object : (shownObject(a) ?? null)),
    oldObject: celValue(a.oldObject ?? null),
    request: celValue(requestValue(a)),
    params: celValue(paramsOf(input.params, input.paramKind)),
    namespaceObject: celValue(input.namespace ?? null),
    ...authorizerValues(a, input.authorizer),
  };

  const plain = (expression: string, on = budget): unknown =>
    compileExpression(expression, input.environment)(values, on);
  const raw = (expression: string, on = budget): unknown => {
    try {
      return plain(expression, on);
    } catch (error) {
      if (error instanceof CostError && on.left <= 0) throw new Error(outOfBudget);
      const text = messageOf(error);
      if (/^(compilation|program instantiation) failed/.test(text)) throw new Error(`compilation error: ${text}`);
      throw new Error(`expression '${expression}' resulted in error: ${text}`);
    }
  };

  const known = new Map<string, { value: unknown } | { error: Error }>();
  const expressions = new Map(variables.map((v) => [v.name, v.expression]));
  const variable = (name: string): unknown => {
    const expression = expressions.get(name);
    if (expression === undefined) return undefined;
    let found = known.get(name);
    if (!found) {
      try {
        found = { value: plain(expression) ?? null };
      } catch (error) {
        found = { error: new Error(`composited variable "${name}" fails to evaluate: ${messageOf(error)}`) };
      }
      known.set(name, found);
    }
    if ('error' in found) throw found.error;
    return found.value;
  };
  const lazy = new Map<string, unknown>();
  lazy.get = variable;
  lazy.has = (name) => expressions.has(name);
  values.variables = lazy;

  return {
    evaluate: raw,
    matches(conditions = []) {
      const failures: string[] = [];
      const own = newBudget(matchConditionsCost);
      for (const { expression } of conditions) {
        try {
          if (raw(expression, own) !== true) return false;
        } catch (error) {
          failures.push(messageOf(error));
        }
      }
      if (failures.length > 0) throw new Error(failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`);
      return true;
    },
  };
}
