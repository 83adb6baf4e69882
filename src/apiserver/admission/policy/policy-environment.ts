import type { MatchCondition, Variable } from '../../../api/gen/admissionregistration-v1.ts';
import { admissionEnvironment, withVariables } from '../../cel/admission-environment.ts';
import type { Environment } from '../../cel/environment.ts';
import { readExpression } from '../../cel/expression.ts';
import { dynType, type Type } from '../../cel/types.ts';

/** What of a policy says what its expressions may name. */
export interface PolicyNames {
  paramKind?: unknown;
  matchConditions?: readonly MatchCondition[] | undefined;
  variables?: readonly Variable[] | undefined;
}

/** The types of a policy's variables, each of which may name those before it; of one that is wrong: anything. */
export function variableTypes({ paramKind, variables = [] }: PolicyNames, patches: boolean): Map<string, Type> {
  const types = new Map<string, Type>();
  const plain = admissionEnvironment({ params: paramKind !== undefined, authorizer: true, patches });
  for (const { name, expression } of variables) {
    const read = readExpression(expression ?? '', withVariables(plain, types));
    types.set(name, 'problem' in read ? dynType : read.checked.type);
  }
  return types;
}

const known = new WeakMap<object, Environment>();

/** What the expressions of a policy may name when it is asked; `patches`: it is one that mutates. */
export function policyEnvironment(spec: PolicyNames, patches: boolean): Environment {
  const found = known.get(spec);
  if (found) return found;
  const plain = admissionEnvironment({ params: spec.paramKind !== undefined, authorizer: true, patches });
  const types = variableTypes(spec, patches);
  const environment = types.size > 0 || patches ? withVariables(plain, types) : plain;
  known.set(spec, environment);
  return environment;
}
