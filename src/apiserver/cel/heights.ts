import { childrenOf, type Expr } from './tree.ts';

/**
 * How deep the trees of an expression are, counted as cel-go counts: logic, negation and literals are no step of their
 * own. What is read in a loop is as deep as what is nested, and would end whoever walks it.
 */
export function createHeights(deepest: number) {
  /** Of the trees that have a step. */
  const known = new WeakMap<Expr, number>();
  let tooDeep = false;
  return {
    /** Notes a node and gives it back; `parts`: what is below it, where that is not its children. */
    over<T extends Expr>(node: T, steps: 0 | 1, parts: readonly (Expr | undefined)[] = childrenOf(node)): T {
      let below = 0;
      for (const part of parts) if (part) below = Math.max(below, known.get(part) ?? 0);
      const height = steps + below;
      if (height > deepest) tooDeep = true;
      if (height > 0) known.set(node, height);
      return node;
    },
    get tooDeep() {
      return tooDeep;
    },
  };
}
