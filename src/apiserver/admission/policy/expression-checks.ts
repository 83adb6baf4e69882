import type {
  MatchCondition,
  MutatingAdmissionPolicy,
  Mutation,
  ValidatingAdmissionPolicy,
  Validation,
} from '../../../api/gen/admissionregistration-v1.ts';
import { isCIdentifier, isQualifiedName } from '../../../api/names.ts';
import { Problems } from '../../../api/validation/problems.ts';
import { admissionEnvironment, withVariables } from '../../cel/admission-environment.ts';
import { expressionProblem } from '../../cel/expression.ts';
import { boolType, dynType, listOf, nullType, stringType, structType, type Type } from '../../cel/types.ts';
import { reservedWords } from '../../cel/values.ts';
import type { Strategy } from '../../registry/types.ts';
import { type PolicyNames, variableTypes } from './policy-environment.ts';

interface Names {
  /** Default true. */
  authorizer?: boolean;
  patches?: boolean;
  /** Conditions may not name the policy's variables. */
  variables?: boolean;
}

type Check = (path: string, expression: string | undefined, returns?: readonly Type[], names?: Names) => void;

/**
 * Says of each expression of a policy what does not compile; `types` are those of its variables. `always`: `variables` is
 * a name though there are none.
 */
function checker(p: Problems, { paramKind }: PolicyNames, types: ReadonlyMap<string, Type>, always = false): Check {
  return (path, expression, returns, { authorizer = true, patches = false, variables = true } = {}) => {
    if (!expression?.trim()) return;
    const plain = admissionEnvironment({ params: paramKind !== undefined, authorizer, patches });
    const environment = variables && (always || types.size > 0) ? withVariables(plain, types) : plain;
    const problem = expressionProblem(expression, { environment, returns });
    if (problem !== undefined) p.invalid(path, expression, problem);
  };
}

const mostConditions = 64;

function checkConditions(p: Problems, conditions: readonly MatchCondition[], check: Check): void {
  const path = 'spec.matchConditions';
  if (conditions.length > mostConditions) p.tooMany(path, conditions.length, mostConditions);
  const names = new Set<string>();
  for (const [i, { name, expression }] of conditions.entries()) {
    const at = `${path}[${i}]`;
    if (!expression?.trim()) p.required(`${at}.expression`);
    check(`${at}.expression`, expression?.trim(), [boolType], { variables: false });
    if (!name) p.required(`${at}.name`);
    else {
      p.all(`${at}.name`, name, isQualifiedName(name));
      if (names.has(name)) p.duplicate(`${at}.name`, name);
      names.add(name);
    }
  }
}

/** Conditions and variables; gives the check for everything else, which may name the variables. */
function checkCommon(p: Problems, spec: PolicyNames, patches: boolean): Check {
  checkConditions(p, spec.matchConditions ?? [], checker(p, spec, new Map()));
  const types = new Map<string, Type>();
  const all = variableTypes(spec, patches);
  for (const [i, { name, expression }] of (spec.variables ?? []).entries()) {
    const at = `spec.variables[${i}]`;
    if (!name) p.required(`${at}.name`, 'name is not specified');
    else if (isCIdentifier(name).length > 0 || reservedWords.has(name))
      p.invalid(`${at}.name`, name, 'must be a valid CEL identifier');
    if (!expression?.trim()) p.required(`${at}.expression`, 'expression is not specified');
    checker(p, spec, new Map(types), true)(`${at}.expression`, expression);
    if (expression?.trim()) types.set(name, all.get(name) ?? dynType);
  }
  return checker(p, spec, types, patches);
}

function checkTexts(p: Problems, at: string, { message, messageExpression }: Validation): void {
  if (messageExpression && messageExpression.trim() === '') {
    p.invalid(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified');
  }
  if (message && message.trim() === '') p.invalid(`${at}.message`, message, 'must be non-empty if specified');
  else if (/[\n\r]/.test(message?.trim() ?? '')) p.invalid(`${at}.message`, message, 'must not contain line breaks');
}

const mostAnnotations = 20;
const longestAnnotation = 5 * 1024;

function checkAnnotations(p: Problems, policy: ValidatingAdmissionPolicy, check: Check): void {
  const annotations = policy.spec?.auditAnnotations ?? [];
  const path = 'spec.auditAnnotations';
  const { name = '' } = policy.metadata;
  if (annotations.length > mostAnnotations) {
    p.invalid(path, annotations, `must not have more than ${mostAnnotations} auditAnnotations`);
  }
  const keys = new Set<string>();
  for (const [i, { key = '', valueExpression = '' }] of annotations.entries()) {
    const at = `${path}[${i}]`;
    if (name === '') p.invalid(`${at}.key`, key, 'requires metadata.name be non-empty');
    else p.all(`${at}.key`, `${name}/${key}`, isQualifiedName(`${name}/${key}`));
    const trimmed = valueExpression.trim();
    if (trimmed === '') p.required(`${at}.valueExpression`, 'valueExpression is not specified');
    else if (Buffer.byteLength(trimmed) > longestAnnotation) {
      p.required(`${at}.valueExpression`, `must not exceed ${longestAnnotation} bytes in length`);
    } else check(`${at}.valueExpression`, trimmed, [stringType, nullType]);
    if (keys.has(key)) p.duplicate(`${at}.key`, key);
    keys.add(key);
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
  const policy = object as ValidatingAdmissionPolicy;
  const { spec = {} } = policy;
  const p = new Problems();
  const check = checkCommon(p, spec, false);
  for (const [i, validation] of (spec.validations ?? []).entries()) {
    const at = `spec.validations[${i}]`;
    check(`${at}.expression`, validation.expression, [boolType]);
    check(`${at}.messageExpression`, validation.messageExpression, [stringType], { authorizer: false });
    checkTexts(p, at, validation);
  }
  checkAnnotations(p, policy, check);
  return p;
});

const patchTypes = { applyConfiguration: structType('Object'), jsonPatch: listOf(structType('JSONPatch')) };
const forms = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function checkMutation(p: Problems, at: string, mutation: Mutation, check: Check): void {
  const { patchType } = mutation;
  if (patchType !== 'ApplyConfiguration' && patchType !== 'JSONPatch') {
    p.oneOf(`${at}.patchType`, patchType, Object.keys(forms));
    return;
  }
  const field = forms[patchType];
  const other = field === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
  const form = mutation[field];
  if (!form) p.required(`${at}.${field}`, `must be specified when patchType is ${patchType}`);
  else if (!form.expression?.trim()) p.required(`${at}.${field}.expression`);
  else check(`${at}.${field}.expression`, form.expression.trim(), [patchTypes[field]], { patches: true });
  if (mutation[other]) {
    p.invalid(`${at}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`);
  }
}

/** Expressions of a MutatingAdmissionPolicy have to compile. */
export const mutatingPolicyChecks = strategyOf((object) => {
  const { spec = {} } = object as MutatingAdmissionPolicy;
  const p = new Problems();
  const check = checkCommon(p, spec, true);
  const mutations = spec.mutations ?? [];
  if (mutations.length === 0) p.required('spec.mutations', 'mutations must contain at least one item');
  for (const [i, mutation] of mutations.entries()) checkMutation(p, `spec.mutations[${i}]`, mutation, check);
  p.oneOf('spec.reinvocationPolicy', spec.reinvocationPolicy, ['IfNeeded', 'Never']);
  return p;
});
