import type {
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ParamKind,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../gen/admissionregistration-v1.ts';
import { isDns1035Label, isDns1123Subdomain, isPathSegment } from '../names.ts';
import { failurePolicies, validateMatch } from './admission-rules.ts';
import { validateConditions } from './conditions.ts';
import { validateSelector } from './metadata.ts';
import type { Problems } from './problems.ts';

function validateParamKind(p: Problems, path: string, { apiVersion = '', kind = '' }: ParamKind): void {
  const at = `${path}.apiVersion`;
  const parts = apiVersion.split('/');
  if (apiVersion === '') p.required(at);
  else if (parts.length > 2) p.invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else {
    const [version = '', group = ''] = parts.toReversed();
    const joined = (name: string, wrong: readonly string[]): void => {
      if (wrong.length > 0) p.invalid(at, name, wrong.join(','));
    };
    if (group !== '') joined(group, isDns1123Subdomain(group));
    if (version === '') p.invalid(at, apiVersion, 'version must be specified');
    else joined(version, isDns1035Label(version));
  }
  const wrong = isDns1035Label(kind.toLowerCase());
  if (kind === '') p.required(`${path}.kind`);
  else if (wrong.length > 0) p.invalid(`${path}.kind`, kind, `${mixedCase}${wrong.join(',')}`);
}

const mixedCase = 'may have mixed case, but should otherwise match: ';

function validatePolicyScope(p: Problems, spec: NonNullable<ValidatingAdmissionPolicy['spec']>): void {
  p.known('spec.failurePolicy', spec.failurePolicy, failurePolicies);
  if (spec.paramKind) validateParamKind(p, 'spec.paramKind', spec.paramKind);
  const at = 'spec.matchConstraints';
  if (!spec.matchConstraints) {
    p.required(at);
    return;
  }
  validateMatch(p, at, spec.matchConstraints);
  if (!spec.matchConstraints.resourceRules?.length) p.required(`${at}.resourceRules`);
}

export function validateAdmissionPolicy(p: Problems, { spec = {} }: ValidatingAdmissionPolicy): void {
  validatePolicyScope(p, spec);
  if (!spec.validations?.length && !spec.auditAnnotations?.length) {
    const why = 'validations or auditAnnotations must contain at least one item';
    p.required('spec.validations', why);
    p.required('spec.auditAnnotations', why);
  }
  for (const [i, validation] of (spec.validations ?? []).entries()) {
    const field = `spec.validations[${i}]`;
    if (!validation.expression?.trim()) p.required(`${field}.expression`, 'expression is not specified');
    p.known(`${field}.reason`, validation.reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']);
  }
}

type ParamRef = NonNullable<ValidatingAdmissionPolicyBinding['spec']>['paramRef'];

function validateParamRef(p: Problems, ref: ParamRef): void {
  if (!ref) return;
  const at = 'spec.paramRef';
  const { name = '', selector, parameterNotFoundAction: action } = ref;
  const both = 'name and selector are mutually exclusive';
  if (name !== '') {
    p.all(`${at}.name`, name, isPathSegment(name));
    if (selector) p.forbidden(`${at}.name`, both);
  }
  if (selector) {
    validateSelector(p, selector, `${at}.selector`);
    if (name !== '') p.forbidden(`${at}.selector`, both);
  }
  if (name === '' && !selector) p.required(at, 'one of name or selector must be specified');
  if (!action) p.required(`${at}.parameterNotFoundAction`);
  else p.known(`${at}.parameterNotFoundAction`, action, ['Deny', 'Allow']);
}

export function validatePolicyBinding(p: Problems, { spec }: ValidatingAdmissionPolicyBinding): void {
  if (!spec) return;
  if (!spec.policyName) p.required('spec.policyName');
  else p.all('spec.policyName', spec.policyName, isDns1123Subdomain(spec.policyName));
  validateParamRef(p, spec.paramRef);
  if (spec.matchResources) validateMatch(p, 'spec.matchResources', spec.matchResources);
  const actions = spec.validationActions ?? [];
  if (actions.length === 0) p.required('spec.validationActions', 'at least one validation action is required');
  for (const [i, action] of actions.entries()) {
    p.known(`spec.validationActions[${i}]`, action, ['Audit', 'Deny', 'Warn']);
    if (actions.indexOf(action) < i) p.duplicate(`spec.validationActions[${i}]`, action);
  }
}

const mutable = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

/** What goes cannot be altered. */
function validateMutable(p: Problems, path: string, match: MatchResources | undefined): void {
  for (const { operations = [] } of match?.resourceRules ?? []) {
    for (const operation of operations) p.known(`${path}.resourceRules.operations`, operation, mutable);
  }
}

export function validateMutatingPolicy(p: Problems, { spec = {} }: MutatingAdmissionPolicy): void {
  validatePolicyScope(p, spec);
  validateMutable(p, 'spec.matchConstraints', spec.matchConstraints);
}

export function validateMutatingBinding(p: Problems, { spec = {} }: MutatingAdmissionPolicyBinding): void {
  if (!spec.policyName) p.required('spec.policyName');
  else p.all('spec.policyName', spec.policyName, isDns1123Subdomain(spec.policyName));
  validateParamRef(p, spec.paramRef);
  if (!spec.matchResources) return;
  validateMatch(p, 'spec.matchResources', spec.matchResources);
  validateMutable(p, 'spec.matchResources', spec.matchResources);
}

export function validatePolicyStatus(p: Problems, { status }: ValidatingAdmissionPolicy): void {
  for (const [i, { warning, fieldRef }] of (status?.typeChecking?.expressionWarnings ?? []).entries()) {
    const at = `status.typeChecking.expressionWarnings[${i}]`;
    if (!warning) p.required(`${at}.warning`);
    if (!fieldRef?.trim()) p.required(`${at}.fieldRef`);
  }
  validateConditions(p, 'status.conditions', status?.conditions);
}
