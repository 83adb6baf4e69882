import type {
  MatchCondition,
  MutatingAdmissionPolicy,
  ValidatingAdmissionPolicy,
  Variable,
} from '../../../api/gen/admissionregistration-v1.ts';
import { isCIdentifier } from '../../../api/names.ts';
import { Problems } from '../../../api/validation/problems.ts';
import { newEnvironment } from '../../cel/environment.ts';
import { expressionProblem } from '../../cel/expression.ts';
import type { Strategy } from '../../registry/types.ts';
import { policyVariables } from './evaluation.ts';

interface Common {
  paramKind?: unknown;
  matchConditions?: readonly MatchCondition[] | undefined;
  variables?: readonly Variable[] | undefined;
}

type Check = (path: string, expression: string | undefined, returns?: readonly string[], plain?: boolean) => void;

/** Says of each expression of a policy what does not compile. `plain`: without the authorizer. */
function checker(p: Problems, { paramKind, variables = [] }: Common): Check {
  return (path, expression, returns, plain = false) => {
    if (!expression?.trim()) return;
    const names = policyVariables.filter(
      (name) =>
        (name !== 'params' || paramKind !== undefined) &&
        (name !== 'authorizer' || !plain) &&
        (name !== 'variables' || variables.length > 0),
    );
    const authorizer = 'kubernetes.authorization.Authorizer';
    const environment = newEnvironment();
    for (const name of names) environment.registerVariable(name, name === 'authorizer' ? authorizer : 'dyn');
    const problem = expressionProblem(expression, { environment, returns });
    if (problem !== undefined) p.invalid(path, expression, problem);
  };
}

function checkCommon(p: Problems, spec: Common, check: Check): void {
  for (const [i, { name, expression }] of (spec.variables ?? []).entries()) {
    const at = `spec.variables[${i}]`;
    if (!name) p.required(`${at}.name`, 'name is not specified');
    else if (isCIdentifier(name).length > 0) p.invalid(`${at}.name`, name, 'must be a valid CEL identifier');
    if (!expression?.trim()) p.required(`${at}.expression`, 'expression is not specified');
    check(`${at}.expression`, expression);
  }
  for (const [i, { name, expression }] of (spec.matchConditions ?? []).entries()) {
    const at = `spec.matchConditions[${i}]`;
    if (!name) p.required(`${at}.name`);
    if (!expression?.trim()) p.required(`${at}.expression`);
    check(`${at}.expression`, expression, ['bool']);
  }
}

const sameSpec = (a: object, b: object): boolean =>
  JSON.stringify((a as { spec?: unknown }).spec) === JSON.stringify((b as { spec?: unknown }).spec);

function strategyOf(problems: (object: object) => Problems): Pick<Strategy, 'validate' | 'validateUpdate'> {
  return {
    validate: (object) => problems(object).causes,
    validateUpdate: (object, old, { subresource }) =>
      subresource || sameSpec(object, old) ? [] : problems(object).causes,
  };
}

/** Expressions of a ValidatingAdmissionPolicy have to compile. */
export const validatingPolicyChecks = strategyOf((object) => {
  const { spec = {} } = object as ValidatingAdmissionPolicy;
  const p = new Problems();
  const check = checker(p, spec);
  checkCommon(p, spec, check);
  for (const [i, { expression, messageExpression }] of (spec.validations ?? []).entries()) {
    check(`spec.validations[${i}].expression`, expression, ['bool']);
    check(`spec.validations[${i}].messageExpression`, messageExpression, ['string'], true);
  }
  for (const [i, { valueExpression }] of (spec.auditAnnotations ?? []).entries())
    check(`spec.auditAnnotations[${i}].valueExpression`, valueExpression, ['string', 'null_type'], true);
  return p;
});

/** Expressions of a MutatingAdmissionPolicy have to compile. */
export const mutatingPolicyChecks = strategyOf((object) => {
  const { spec = {} } = object as MutatingAdmissionPolicy;
  const p = new Problems();
  const check = checker(p, spec);
  checkCommon(p, spec, check);
  for (const [i, { applyConfiguration, jsonPatch }] of (spec.mutations ?? []).entries()) {
    check(`spec.mutations[${i}].applyConfiguration.expression`, applyConfiguration?.expression);
    check(`spec.mutations[${i}].jsonPatch.expression`, jsonPatch?.expression, ['list']);
  }
  return p;
});
