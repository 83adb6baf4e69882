/** The part of the library's syntax tree that is looked at here. */
export interface Node {
  op: string;
  args: unknown;
  meta: { alternate?: Node; macro?: Record<string, unknown> };
  evaluate(evaluator: Evaluator, node: Node, context: unknown): unknown;
  handle?(items: unknown, args: unknown, evaluator: Evaluator, context: unknown): unknown;
}

export interface Evaluator {
  run(node: Node, context: unknown): unknown;
  tryEval(node: Node, context: unknown): unknown;
  debugType(value: unknown): { fieldLazy(value: unknown, field: unknown, node: Node, evaluator: Evaluator): unknown };
}

export interface Checker {
  check(node: Node, context: unknown): unknown;
  getType(name: string): unknown;
}
