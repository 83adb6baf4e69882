import type { Type } from './types.ts';

/** A place in an expression's text: `at` counts code points from its start. */
interface Placed {
  /** Each node of a tree has its own. */
  readonly id: number;
  readonly at: number;
}

export interface Literal extends Placed {
  readonly kind: 'literal';
  readonly value: unknown;
  readonly type: Type;
}

export interface Ident extends Placed {
  readonly kind: 'ident';
  readonly name: string;
}

export interface Select extends Placed {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  /** `has(operand.field)`. */
  readonly test: boolean;
}

export interface Call extends Placed {
  readonly kind: 'call';
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export interface ListLiteral extends Placed {
  readonly kind: 'list';
  readonly items: readonly Expr[];
  /** Indices of `?item`. */
  readonly optional: ReadonlySet<number>;
}

export interface Entry extends Placed {
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface MapLiteral extends Placed {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
}

export interface FieldInit extends Placed {
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface StructLiteral extends Placed {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: readonly FieldInit[];
}

/** What every macro that loops comes to; a name for a value is one over an empty range. */
export interface Fold extends Placed {
  readonly kind: 'fold';
  readonly range: Expr;
  readonly item: string;
  /** Of two-variable loops: `item` is then the index or key. */
  readonly value: string | undefined;
  readonly accumulator: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

export type Expr = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Fold;

/** The parts of a node, in the order of the text. */
export function childrenOf(node: Expr): readonly Expr[] {
  switch (node.kind) {
    case 'literal':
    case 'ident':
      return [];
    case 'select':
      return [node.operand];
    case 'call':
      return node.target ? [node.target, ...node.args] : node.args;
    case 'list':
      return node.items;
    case 'map':
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return node.fields.map(({ value }) => value);
    case 'fold':
      return [node.range, node.init, node.condition, node.step, node.result];
  }
}

/** `a.b.c` as a dotted name; undefined for anything else. */
export function qualifiedName(node: Expr): string | undefined {
  if (node.kind === 'ident') return node.name;
  if (node.kind !== 'select' || node.test) return undefined;
  const before = qualifiedName(node.operand);
  return before === undefined ? undefined : `${before}.${node.field}`;
}

/** Whether a name is used as a variable anywhere in a tree. */
export function usesName(node: Expr, name: string): boolean {
  if (node.kind === 'ident') return node.name === name;
  return childrenOf(node).some((child) => usesName(child, name));
}
