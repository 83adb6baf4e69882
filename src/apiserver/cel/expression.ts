import type { Environment } from '@marcbachmann/cel-js';
import { type Budget, CostError, meter, newBudget, onBudget } from './cost.ts';
import { functionNames, newEnvironment } from './environment.ts';
import { plainLiterals } from './literals.ts';
import { compileProblem, runtimeProblem, typeText } from './problems.ts';
import type { Node } from './tree.ts';
import { celValue } from './values.ts';

/**
 * A compiled CEL expression over named values: JSON data, or what `celValue` made of it. Throws what the evaluation
 * throws, worded as cel-go does, and CostError when it takes too long.
 */
export type Expression = (values: Readonly<Record<string, unknown>>, budget?: Budget) => unknown;

const compiled = new Map<string, Expression>();
const environments = new Map<string, Environment>();

/** Expressions are few and asked often; past this many the whole cache starts anew. */
const kept = 5000;

function environmentOf(variables: readonly string[]): Environment {
  const key = variables.join(',');
  let known = environments.get(key);
  if (!known) {
    known = newEnvironment();
    for (const name of variables) known.registerVariable(name, 'dyn');
    if (environments.size > 200) environments.clear();
    environments.set(key, known);
  }
  return known;
}

/** Compiles an expression with the variables that it may name. Throws with the place of a syntax or type error. */
export function compileExpression(text: string, variables: readonly string[]): Expression {
  const key = `${variables.join(',')}\n${text}`;
  let known = compiled.get(key);
  if (!known) {
    known = compile(text, variables);
    if (compiled.size >= kept) compiled.clear();
    compiled.set(key, known);
  }
  return known;
}

function compile(text: string, variables: readonly string[]): Expression {
  const source = plainLiterals(text);
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environmentOf(variables).parse(source);
    meter(parsed.ast as unknown as Node);
    const checked = parsed.check();
    if (!checked.valid) throw checked.error;
  } catch (error) {
    throw new Error(`compilation failed: ${compileProblem(error, source, functionNames())}`);
  }
  return (values, budget = newBudget()) =>
    onBudget(budget, () => {
      const context = Object.fromEntries(variables.map((name) => [name, celValue(values[name])]));
      try {
        return parsed(context) as unknown;
      } catch (error) {
        if (error instanceof CostError) throw error;
        throw new Error(runtimeProblem(error));
      }
    });
}

export interface CheckOptions {
  /** With its variables. */
  environment: Environment;
  /** The types that it may come to; undefined: any. */
  returns?: readonly string[] | undefined;
  /** What may come to anything is not enough for `returns`. */
  exactly?: boolean | undefined;
}

/** What is wrong with an expression before it is ever run, in upstream's words; undefined when nothing is. */
export function expressionProblem(text: string, { environment, returns, exactly }: CheckOptions): string | undefined {
  const source = plainLiterals(text);
  let checked: ReturnType<Environment['check']>;
  try {
    const parsed = environment.parse(source);
    meter(parsed.ast as unknown as Node);
    checked = parsed.check();
    if (!checked.valid) throw checked.error;
  } catch (error) {
    return `compilation failed: ${compileProblem(error, source, functionNames())}`;
  }
  const type = checked.type ?? 'dyn';
  const plain = type.replace(/<.*$/, '');
  if (!returns || returns.includes(plain)) return undefined;
  if (exactly) return `must evaluate to ${returns.join(' ')}`;
  if (plain === 'dyn' || plain === 'optional') return undefined;
  const shown = typeText(type);
  return returns.length === 1
    ? `must evaluate to ${returns[0]} but got ${shown}`
    : `must evaluate to one of [${returns.join(' ')}] but got ${shown}`;
}
