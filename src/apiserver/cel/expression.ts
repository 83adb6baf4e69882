import { type Checked, check } from './checker.ts';
import { type Budget, CostError, newBudget, onBudget } from './cost.ts';
import { type Environment, newEnvironment } from './environment.ts';
import { InstantiationError, interpret } from './interpreter.ts';
import { compiled as compiledIn, evaluated } from './metrics.ts';
import { parse } from './parser.ts';
import { compileProblem } from './problems.ts';
import type { Expr } from './tree.ts';
import { runtimeText, sameType, type Type } from './types.ts';
import { celValue } from './values.ts';

/**
 * A compiled CEL expression over named values: JSON data, what `celValue` made of it, or functions that are asked for
 * them. Throws what the evaluation throws, worded as cel-go does, and CostError when it takes too long.
 */
export type Expression = (values: Readonly<Record<string, unknown>>, budget?: Budget) => unknown;

/** Expressions are few and asked often; past this many the whole cache starts anew. */
const kept = 5000;

const dynamic = new Map<string, Environment>();
const compiled = new WeakMap<Environment, Map<string, Expression>>();

/** An environment in which each of some variables can be anything. */
function environmentOf(variables: readonly string[]): Environment {
  const key = variables.join(',');
  let known = dynamic.get(key);
  if (!known) {
    known = newEnvironment();
    for (const name of variables) known.registerVariable(name, 'dyn');
    if (dynamic.size > 200) dynamic.clear();
    dynamic.set(key, known);
  }
  return known;
}

/**
 * Compiles an expression with the variables that it may name, in an environment or as names of what can be anything.
 * Throws with the place of a syntax or type error.
 */
export function compileExpression(text: string, variables: readonly string[] | Environment): Expression {
  const environment = 'lookupName' in variables ? variables : environmentOf(variables);
  let cache = compiled.get(environment);
  if (!cache || cache.size >= kept) {
    cache = new Map();
    compiled.set(environment, cache);
  }
  let known = cache.get(text);
  if (!known) {
    const began = performance.now();
    known = compile(text, environment);
    compiledIn(began);
    cache.set(text, known);
  }
  return known;
}

function compile(text: string, environment: Environment): Expression {
  let run: ReturnType<typeof interpret>;
  try {
    const tree = parse(text, environment);
    run = interpret(tree, check(tree, environment), environment);
  } catch (error) {
    throw compilationError(error, text);
  }
  return (values, budget = newBudget()) =>
    onBudget(budget, () => {
      const began = performance.now();
      const variables = new Map(Object.entries(values).map(([name, value]) => [name, celValue(value)]));
      try {
        return run(variables);
      } catch (error) {
        throw error instanceof RangeError ? new CostError() : error;
      } finally {
        evaluated(began);
      }
    });
}

function compilationError(error: unknown, text: string): unknown {
  if (error instanceof InstantiationError) return error;
  const problem = compileProblem(error, text);
  return problem === undefined ? error : new Error(`compilation failed: ${problem}`);
}

export interface CheckOptions {
  /** With its variables. */
  environment: Environment;
  /** The types that it may come to, exactly; undefined: any. */
  returns?: readonly Type[] | undefined;
  /** What is said of one that comes to another type; default: upstream's words for admission. */
  mistyped?: ((returns: readonly Type[], found: Type) => string) | undefined;
}

/** An expression that was read and checked, or what is wrong with it. */
export type Read = { readonly tree: Expr; readonly checked: Checked } | { readonly problem: string };

export function readExpression(text: string, environment: Environment): Read {
  try {
    const tree = parse(text, environment);
    const checked = check(tree, environment);
    interpret(tree, checked, environment);
    return { tree, checked };
  } catch (error) {
    return { problem: (compilationError(error, text) as Error).message };
  }
}

/** What is wrong with an expression before it is ever run, in upstream's words; undefined when nothing is. */
export function expressionProblem(text: string, options: CheckOptions): string | undefined {
  const { environment, returns, mistyped = admissionText } = options;
  const read = readExpression(text, environment);
  if ('problem' in read) return read.problem;
  const { type } = read.checked;
  return !returns || returns.some((wanted) => sameType(wanted, type)) ? undefined : mistyped(returns, type);
}

const admissionText = (returns: readonly Type[], found: Type): string => {
  const wanted = returns.map(runtimeText);
  return returns.length === 1
    ? `must evaluate to ${wanted[0]} but got ${runtimeText(found)}`
    : `must evaluate to one of [${wanted.join(' ')}] but got ${runtimeText(found)}`;
};
