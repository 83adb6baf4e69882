/** What all expressions of one request may cost together, and one of them; about one unit per step. Upstream: `apis/cel`. */
export const requestCost = 10_000_000;
export const expressionCost = 1_000_000;
/** What the match conditions of one webhook or policy may cost. */
export const matchConditionsCost = 2_500_000;

/** What is left to spend. */
export interface Budget {
  left: number;
}

export const newBudget = (amount = requestCost): Budget => ({ left: amount });

export class CostError extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

/** A request's expressions have spent everything: upstream's words for what is not evaluated any more. */
export const outOfBudget =
  'validation failed due to running out of cost budget, no further validation rules will be run';

/** The expression that is being evaluated; evaluation is synchronous, so there is one at a time. */
let spending: Budget | undefined;
const exhausted = new CostError();

export function charge(amount: number): void {
  if (!spending) return;
  spending.left -= amount;
  if (spending.left < 0) throw exhausted;
}

/** Runs an evaluation on a budget. Throws CostError when it costs more than is left, or than one expression may. */
export function onBudget<T>(budget: Budget, work: () => T): T {
  const outer = spending;
  const allowed = Math.min(budget.left, expressionCost);
  const own = { left: allowed };
  spending = own;
  try {
    const result = work();
    if (own.left < 0) throw exhausted;
    return result;
  } finally {
    spending = outer;
    budget.left -= allowed - own.left;
  }
}
