import type { Environment } from '@marcbachmann/cel-js';
import { newEnvironment } from '../../cel/environment.ts';
import { compileExpression, expressionProblem } from '../../cel/expression.ts';
import type { Node } from '../../cel/tree.ts';
import type { UserInfo } from '../../server.ts';

const claimsEnvironment = (): Environment => newEnvironment().registerVariable('claims', 'map<string, dyn>');

const userEnvironment = (): Environment =>
  newEnvironment()
    .registerType('kubernetes.UserInfo', {
      ctor: class {},
      fields: { username: 'string', uid: 'string', groups: 'list<string>', extra: 'map<string, list<string>>' },
    })
    .registerVariable('user', 'kubernetes.UserInfo');

/** What is wrong with an expression over a token's claims; without `returns` it may come to anything. */
export const claimsProblem = (expression: string, returns?: readonly string[]): string | undefined =>
  expressionProblem(expression, { environment: claimsEnvironment(), returns, exactly: true });

/** What is wrong with a rule over the user. */
export const userProblem = (expression: string): string | undefined =>
  expressionProblem(expression, { environment: userEnvironment(), returns: ['bool'], exactly: true });

/** Whether an expression selects `variable.field`, also as `variable.?field`. */
export function namesField(expression: string, variable: string, field: string): boolean {
  const found = (given: unknown): boolean => {
    if (Array.isArray(given)) return given.some(found);
    if (typeof given !== 'object' || given === null) return false;
    if (!('op' in given)) return 'iterable' in given && 'step' in given && (found(given.iterable) || found(given.step));
    const { op, args } = given as Node;
    if ((op === '.' || op === '.?') && Array.isArray(args)) {
      const [left, name] = args as [Node, unknown];
      if (left.op === 'id' && left.args === variable && name === field) return true;
    }
    return found(args);
  };
  return found(claimsEnvironment().parse(expression).ast);
}

/**
 * JSON as these expressions see it: every number is a double, and `a__dot__b` also finds the field `a.b`.
 */
function celOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(celOf);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const fields = new Map(Object.entries(value).map(([key, item]) => [key, celOf(item)]));
  const plain = { get: fields.get.bind(fields), has: fields.has.bind(fields) };
  const nameOf = (key: string): string => (plain.has(key) ? key : key.replaceAll('__dot__', '.'));
  fields.get = (key) => plain.get(nameOf(key));
  fields.has = (key) => plain.has(nameOf(key));
  return fields;
}

export const claimsValue = (claims: Readonly<Record<string, unknown>>): unknown => celOf(claims);

export const userValue = ({ name, uid = '', groups, extra = {} }: UserInfo): unknown =>
  celOf({ username: name, uid, groups, extra });

export const evaluateClaims = (expression: string, claims: unknown): unknown =>
  compileExpression(expression, ['claims'])({ claims });

export const evaluateUser = (expression: string, user: unknown): unknown =>
  compileExpression(expression, ['user'])({ user });
