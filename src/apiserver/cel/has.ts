import { Optional } from '@marcbachmann/cel-js';
import type { Checker, Evaluator, Node } from './tree.ts';

export const isHas = (node: Node): boolean => node.op === 'call' && (node.args as unknown[])[0] === 'has';

/**
 * The library takes `has` of names joined by dots only; the language, of a field of anything. Puts the general form in
 * place; gives what the field is asked of.
 */
export function generalHas(node: Node, macro: Record<string, unknown>): unknown {
  const field = ((node.args as unknown[])[1] as Node[] | undefined)?.[0];
  if (field?.op !== '.') return undefined;
  const [of, name] = field.args as [Node, string];
  macro.typeCheck = (checker: Checker, _macro: unknown, context: unknown): unknown => {
    checker.check(field, context);
    return checker.getType('bool');
  };
  macro.evaluate = (evaluator: Evaluator, _macro: unknown, context: unknown): boolean => {
    let value = evaluator.run(of, context);
    if (value instanceof Optional) {
      if (!value.hasValue()) return false;
      value = value.value();
    }
    return evaluator.debugType(value).fieldLazy(value, name, field, evaluator) !== undefined;
  };
  return of;
}
