import { type Environment, newEnvironment } from '../../cel/environment.ts';
import { compileExpression, expressionProblem } from '../../cel/expression.ts';
import { parse } from '../../cel/parser.ts';
import { childrenOf, type Expr } from '../../cel/tree.ts';
import { boolType, parseType, type Type } from '../../cel/types.ts';
import type { UserInfo } from '../../server.ts';

const claimsEnvironment = (): Environment => newEnvironment().registerVariable('claims', 'map<string, dyn>');

const userEnvironment = (): Environment =>
  newEnvironment()
    .registerType('kubernetes.UserInfo', {
      username: 'string',
      uid: 'string',
      groups: 'list<string>',
      extra: 'map<string, list<string>>',
    })
    .registerVariable('user', 'kubernetes.UserInfo');

const mistyped = (returns: readonly Type[]): string => `must evaluate to ${returns.map((type) => type.name).join(' ')}`;

/** What is wrong with an expression over a token's claims; without `returns` it may come to anything. */
export const claimsProblem = (expression: string, returns?: readonly string[]): string | undefined =>
  expressionProblem(expression, { environment: claimsEnvironment(), returns: returns?.map(parseType), mistyped });

/** What is wrong with a rule over the user. */
export const userProblem = (expression: string): string | undefined =>
  expressionProblem(expression, { environment: userEnvironment(), returns: [boolType], mistyped });

/** Whether an expression selects `variable.field`, also as `variable.?field`. */
export function namesField(expression: string, variable: string, field: string): boolean {
  const found = (node: Expr): boolean => {
    const isVariable = (of: Expr | undefined): boolean => of?.kind === 'ident' && of.name === variable;
    if (node.kind === 'select' && node.field === field && isVariable(node.operand)) return true;
    if (node.kind === 'call' && node.name === '_?._' && isVariable(node.args[0])) {
      const [, name] = node.args;
      if (name?.kind === 'literal' && name.value === field) return true;
    }
    return childrenOf(node).some(found);
  };
  return found(parse(expression));
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
