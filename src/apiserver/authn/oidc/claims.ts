import { messageOf } from '../../../base/errors.ts';
import type { UserInfo } from '../../server.ts';
import type { ClaimOrExpression, JwtSettings } from './configuration.ts';
import { claimsValue, evaluateClaims, evaluateUser, userValue } from './expressions.ts';
import type { Claims } from './verifier.ts';

const goType = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'object'
        ? 'object'
        : typeof value === 'boolean'
          ? 'bool'
          : typeof value;

/** A claim as Go would unmarshal it; throws with Go's words. */
function claimAs(claims: Claims, name: string, wanted: 'string' | 'bool'): string | boolean {
  if (!Object.hasOwn(claims, name)) throw new Error('claim not present');
  const value = claims[name];
  if (value === null) return wanted === 'string' ? '' : false;
  if (goType(value) !== wanted)
    throw new Error(`json: cannot unmarshal ${goType(value)} into Go value of type ${wanted}`);
  return value as string | boolean;
}

function stringList(value: unknown): string[] {
  const wrong = new Error('expression must return a string or a list of strings');
  if (value === null || value === undefined || value === '') return [];
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) throw wrong;
  return value.filter((item) => {
    if (typeof item !== 'string') throw wrong;
    return item !== '';
  });
}

const failing = <T>(prefix: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw new Error(`${prefix}: ${messageOf(error)}`);
  }
};

function usernameOf(
  { claim = '', prefix = '', expression }: ClaimOrExpression,
  claims: Claims,
  value: unknown,
): string {
  if (expression) {
    const found = failing('oidc: error evaluating username claim expression', () => {
      const result = evaluateClaims(expression, value);
      if (typeof result !== 'string') throw new Error('username claim expression must return a string');
      return result;
    });
    if (found === '') throw new Error('oidc: empty username via CEL expression is not allowed');
    return found;
  }
  const name = failing(`oidc: parse username claims ${JSON.stringify(claim)}`, () => claimAs(claims, claim, 'string'));
  if (claim === 'email' && Object.hasOwn(claims, 'email_verified')) {
    const verified = failing("oidc: parse 'email_verified' claim", () => claimAs(claims, 'email_verified', 'bool'));
    if (!verified) throw new Error('oidc: email not verified');
  }
  return `${prefix}${name}`;
}

function groupsOf(
  { claim = '', prefix = '', expression }: ClaimOrExpression,
  claims: Claims,
  value: unknown,
): string[] {
  if (claim !== '' && Object.hasOwn(claims, claim)) {
    const given = claims[claim];
    if (given === null) return [];
    const groups = typeof given === 'string' ? [given] : given;
    if (!Array.isArray(groups) || groups.some((group) => typeof group !== 'string'))
      throw new Error(
        `oidc: parse groups claim ${JSON.stringify(claim)}: json: cannot unmarshal ${goType(given)} into Go value of type string`,
      );
    return groups.map((group) => `${prefix}${group}`);
  }
  if (!expression) return [];
  return failing('oidc: error evaluating group claim expression', () => stringList(evaluateClaims(expression, value)));
}

function uidOf({ claim = '', expression }: ClaimOrExpression, claims: Claims, value: unknown): string {
  if (claim !== '')
    return String(failing(`oidc: parse uid claim ${JSON.stringify(claim)}`, () => claimAs(claims, claim, 'string')));
  if (!expression) return '';
  return failing('oidc: error evaluating uid claim expression', () => {
    const result = evaluateClaims(expression, value);
    if (typeof result !== 'string') throw new Error('uid claim expression must return a string');
    return result;
  });
}

function extraOf(
  { extra = [] }: JwtSettings['claimMappings'],
  claims: Claims,
  value: unknown,
): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  if (typeof claims.jti === 'string' && claims.jti !== '')
    result['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
  for (const { key = '', valueExpression = '' } of extra) {
    const found = failing(`oidc: error evaluating extra claim expression: ${valueExpression}`, () =>
      stringList(evaluateClaims(valueExpression, value)),
    );
    if (found.length > 0) result[key] = found;
  }
  return result;
}

/** Throws unless every rule comes to true. */
function checkRules(
  rules: readonly { readonly expression?: string | undefined; readonly message?: string | undefined }[],
  evaluate: (expression: string) => unknown,
): void {
  for (const { expression = '', message = '' } of rules) {
    if (expression === '') continue;
    const result = evaluate(expression);
    if (typeof result !== 'boolean') throw new Error('validation expression must return a boolean');
    if (!result) throw new Error(`validation expression '${expression}' failed: ${message}`);
  }
}

/** The user that a token's claims make by the settings. Throws Error in upstream's words where they make none. */
export function userOfClaims(settings: JwtSettings, claims: Claims): UserInfo {
  const { claimMappings: m, claimValidationRules = [], userValidationRules = [] } = settings;
  const value = claimsValue(claims);
  const name = usernameOf(m.username, claims, value);
  const groups = groupsOf(m.groups ?? {}, claims, value);
  const uid = uidOf(m.uid ?? {}, claims, value);
  const extra = extraOf(m, claims, value);
  for (const { claim = '', requiredValue = '' } of claimValidationRules) {
    if (claim === '') continue;
    if (!Object.hasOwn(claims, claim)) throw new Error(`oidc: required claim ${claim} not present in ID token`);
    const given = failing(`oidc: parse claim ${claim}`, () => claimAs(claims, claim, 'string'));
    if (given !== requiredValue)
      throw new Error(`oidc: required claim ${claim} value does not match. Got = ${given}, want = ${requiredValue}`);
  }
  failing('oidc: error evaluating claim validation expression', () =>
    checkRules(claimValidationRules, (expression) => evaluateClaims(expression, value)),
  );
  const user: UserInfo = {
    name,
    groups,
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
  failing('oidc: error evaluating user info validation rule', () => {
    if (userValidationRules.length > 0)
      checkRules(userValidationRules, (expression) => evaluateUser(expression, userValue(user)));
  });
  return user;
}
