import { Environment } from '@marcbachmann/cel-js';

/** A compiled CEL expression over named values. Throws what the evaluation throws. */
export type Expression = (values: Readonly<Record<string, unknown>>) => unknown;

const compiled = new Map<string, Expression>();

/** Expressions are few and asked often; past this many the whole cache starts anew. */
const kept = 2000;

/** Compiles an expression with the variables that it may name. Throws with the place of a syntax or type error. */
export function compileExpression(text: string, variables: readonly string[]): Expression {
  const key = `${variables.join(',')}\n${text}`;
  let known = compiled.get(key);
  if (!known) {
    const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
    for (const name of variables) environment.registerVariable(name, 'dyn');
    const parsed = environment.parse(text);
    known = (values) => parsed(celContext(values)) as unknown;
    if (compiled.size >= kept) compiled.clear();
    compiled.set(key, known);
  }
  return known;
}

const celContext = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, celValue(value)]));

/** JSON data as CEL has it: whole numbers are int64. The data itself is left alone. */
export function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value === 'object' && value !== null) {
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) result[key] = celValue(item);
    return result;
  }
  return value === undefined ? null : value;
}
