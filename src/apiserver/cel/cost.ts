import { generalHas, isHas } from './has.ts';
import type { Evaluator, Node } from './tree.ts';

/** What all expressions of one request may cost together, and one of them; about one unit per step. Upstream: `apis/cel`. */
export const requestCost = 10_000_000;
export const expressionCost = 1_000_000;

/** What is left to spend. */
export interface Budget {
  left: number;
}

export const newBudget = (): Budget => ({ left: requestCost });

export class CostError extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

/** A request's expressions have spent everything: upstream's words for what is not evaluated any more. */
export const outOfBudget =
  'validation failed due to running out of cost budget, no further validation rules will be run';

interface Comprehension {
  iterable: Node;
  init: Node;
  step: Node;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

const isComprehension = (args: unknown): args is Comprehension =>
  typeof args === 'object' && args !== null && 'iterable' in args && 'step' in args;

/** The expression that is being evaluated; evaluation is synchronous, so there is one at a time. */
let spending: Budget | undefined;
const exhausted = new CostError();

function charge(amount: number): void {
  if (!spending) return;
  spending.left -= amount;
  if (spending.left < 0) throw exhausted;
}

const sizeOf = (value: unknown): number => {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  if (value instanceof Map || value instanceof Set) return value.size;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 1;
};

/** A running-out of budget is not a value that `all` and `exists` may go over. */
function letThrough(evaluator: Evaluator): void {
  if (Object.hasOwn(evaluator, 'tryEval')) return;
  evaluator.tryEval = function tryEval(node, context) {
    try {
      return this.run(node, context);
    } catch (error) {
      if (error instanceof CostError) throw error;
      return error;
    }
  };
}

/**
 * Makes a syntax tree pay for its loops and for the texts and lists that it builds; gives how many nodes it has. These are
 * all that can make an evaluation long: the language has no recursion. Comes before the types are checked.
 */
export function meter(node: Node): number {
  const actual = node.meta?.alternate ?? node;
  let nodes = 1;
  if (isComprehension(actual.args)) {
    const { iterable, init, step } = actual.args;
    nodes += meter(iterable) + meter(init);
    const each = meter(step);
    nodes += each;
    actual.evaluate = (evaluator, tree, context) => {
      letThrough(evaluator);
      const items = evaluator.run((tree.args as Comprehension).iterable, context);
      charge(1 + sizeOf(items) * each);
      return tree.handle?.(items, tree.args, evaluator, context);
    };
    return nodes;
  }
  const macro = node.meta?.macro;
  if (macro && isHas(actual)) nodes += meterAll(generalHas(actual, macro));
  else for (const child of macro ? [macro.val, macro.exp] : [actual.args]) nodes += meterAll(child);
  if (actual.op === '+' || actual.op === 'rcall' || actual.op === 'call') {
    const plain = actual.evaluate;
    let inner = plain;
    // The library puts the real function in place of its first one, at the first call.
    Object.defineProperty(actual, 'evaluate', {
      get: () => metered,
      set: (value: typeof plain) => {
        inner = value;
      },
    });
    const metered: typeof plain = (evaluator, tree, context) => {
      const first = inner;
      const result = first.call(tree, evaluator, tree, context);
      charge(1 + sizeOf(result) / 10);
      return result;
    };
  }
  return nodes;
}

function meterAll(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + meterAll(item), 0);
  return isNode(value) ? meter(value) : 0;
}

/** Runs an evaluation on a budget. Throws CostError when it costs more than is left, or than one expression may. */
export function onBudget<T>(budget: Budget, work: () => T): T {
  const outer = spending;
  const allowed = Math.min(budget.left, expressionCost);
  const own = { left: allowed };
  spending = own;
  try {
    charge(1);
    const result = work();
    if (own.left < 0) throw exhausted;
    return result;
  } finally {
    spending = outer;
    budget.left -= allowed - own.left;
  }
}
