import { listCost, mapCost, structCost } from './call-cost.ts';
import type { Checked } from './checker.ts';
import { type CallEstimate, estimateCall, type Operand } from './estimate-call.ts';
import { fixed, nothing, plus, type Size, scaled, times, union, unknownSize } from './size.ts';
import type { Call, Expr, Fold, Select } from './tree.ts';
import { dynType, isOptional, type Type } from './types.ts';
import { sizeOf } from './values.ts';

/** Says how large the value at a path from a variable can be (`self`, `items`, `@items`, …); undefined: not known. */
export type SizeAt = (path: readonly string[]) => Size | undefined;

/** What an expression costs at the least and at the most. Upstream: cel-go's `checker/cost.go`. */
export function estimateCost(tree: Expr, checked: Checked, sizeAt: SizeAt): Size {
  return new Estimator(checked, sizeAt).cost(tree);
}

interface Entries {
  readonly container: 'list' | 'map';
  readonly key: Size;
  readonly value: Size;
}

interface Local {
  readonly path: readonly string[] | undefined;
  readonly size: Size | undefined;
  readonly entries: Entries | undefined;
}

const scalars: ReadonlySet<string> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

function isScalar(type: Type): boolean {
  return scalars.has(type.kind) || (isOptional(type) && isScalar(type.params[0] ?? dynType));
}

const accumulators: ReadonlySet<string> = new Set(['@result', '__result__']);

class Estimator {
  readonly #checked: Checked;
  readonly #sizeAt: SizeAt;
  readonly #paths = new Map<number, readonly string[]>();
  readonly #sizes = new Map<number, Size>();
  readonly #entries = new Map<number, Entries>();
  readonly #locals = new Map<string, Local[]>();

  constructor(checked: Checked, sizeAt: SizeAt) {
    this.#checked = checked;
    this.#sizeAt = sizeAt;
  }

  cost(node: Expr): Size {
    switch (node.kind) {
      case 'literal':
        return nothing;
      case 'ident':
        this.#paths.set(node.id, this.#local(node.name)?.path ?? [node.name]);
        return fixed(1);
      case 'select':
        return this.#select(node);
      case 'call':
        return this.#call(node);
      case 'list': {
        const costs = node.items.map((item) => this.cost(item));
        const value = this.#joined(node.items);
        this.#entries.set(node.id, { container: 'list', key: fixed(1), value });
        return plus(...costs, fixed(listCost));
      }
      case 'map': {
        const costs = node.entries.flatMap(({ key, value }) => [this.cost(key), this.cost(value)]);
        const key = this.#joined(node.entries.map((entry) => entry.key));
        const value = this.#joined(node.entries.map((entry) => entry.value));
        this.#entries.set(node.id, { container: 'map', key, value });
        return plus(...costs, fixed(mapCost));
      }
      case 'struct':
        return plus(...node.fields.map(({ value }) => this.cost(value)), fixed(structCost));
      case 'fold':
        return this.#fold(node);
    }
  }

  #joined(nodes: readonly Expr[]): Size {
    const sizes = nodes.map((node) => this.#sizeOrUnknown(node));
    return sizes.length === 0 ? nothing : sizes.reduce(union);
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #push(name: string, local: Local): void {
    this.#locals.set(name, [...(this.#locals.get(name) ?? []), local]);
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop();
  }

  #type(node: Expr): Type {
    return this.#checked.types.get(node.id) ?? dynType;
  }

  #path(node: Expr): readonly string[] {
    const local = node.kind === 'ident' ? this.#local(node.name) : undefined;
    return (local ? local.path : this.#paths.get(node.id)) ?? [];
  }

  #select(node: Select): Size {
    const operand = this.cost(node.operand);
    if (node.test) return operand;
    this.#paths.set(node.id, [...this.#path(node.operand), node.field]);
    const { kind } = this.#type(node.operand);
    return kind === 'map' || kind === 'struct' || kind === 'param' ? plus(operand, fixed(1)) : operand;
  }

  #operand(node: Expr): Operand {
    const path = this.#path(node);
    return {
      node,
      type: this.#type(node),
      path: accumulators.has(path[0] ?? '') ? [] : path,
      size: this.#size(node),
      sizeAt: this.#sizeAt,
    };
  }

  #call(node: Call): Size {
    const name = this.#checked.names.get(node.id) ?? node.name;
    const target = this.#checked.names.has(node.id) ? undefined : node.target;
    if (name === 'dyn' && node.args[0]) {
      const cost = this.cost(node.args[0]);
      this.#copySizes(node, node.args[0]);
      return plus(fixed(1), cost);
    }
    const argCosts = node.args.map((arg) => this.cost(arg));
    const args = node.args.map((arg) => this.#operand(arg));
    const targetCost = target ? this.cost(target) : nothing;
    const of = target && this.#operand(target);
    const overloads = this.#checked.overloads.get(node.id) ?? [];
    const ids = name === '_?._' ? ['_?._'] : overloads.map(({ id }) => id);
    let total: Size | undefined;
    let result: Size | undefined;
    for (const id of ids) {
      const { cost, size } = this.#callCost(node, name, id, of, args, argCosts);
      total = total ? union(total, cost) : cost;
      if (size) result = result ? union(result, size) : size;
      const [container] = node.args;
      if (container && (id === '_[_](list<A>,int)' || id === '_[_](map<A,B>,A)')) {
        result = this.#entriesOf(container)?.value;
        this.#paths.set(node.id, [...this.#path(container), id.includes('list') ? '@items' : '@values']);
      }
      result ??= this.#size(node);
    }
    if (result) this.#sizes.set(node.id, result);
    return plus(targetCost, total ?? nothing);
  }

  #callCost(
    node: Call,
    name: string,
    id: string,
    target: Operand | undefined,
    args: readonly Operand[],
    costs: readonly Size[],
  ): CallEstimate {
    const [left = nothing, right = nothing, third = nothing] = costs;
    if (name === '_&&_' || name === '_||_') return { cost: { min: left.min, max: plus(left, right).max } };
    if (name === '_?_:_') {
      const [, then, otherwise] = args as [Operand, Operand, Operand];
      const entries = this.#unionEntries(then.node, otherwise.node);
      if (entries) this.#entries.set(node.id, entries);
      const size = union(then.size ?? unknownSize, otherwise.size ?? unknownSize);
      return { cost: plus(left, union(right, third)), size };
    }
    if (name === '_+_' && /^_\+_\((string|bytes|list)/.test(id)) {
      const [a, b] = args as [Operand, Operand];
      const entries = this.#unionEntries(a.node, b.node);
      if (entries) this.#entries.set(node.id, entries);
      const size = plus(a.size ?? unknownSize, b.size ?? unknownSize);
      const own = id.startsWith('_+_(list') ? fixed(1) : scaled(size, 0.1);
      return { cost: plus(own, ...costs), size };
    }
    const { cost, size } = estimateCall(name, id, target, args);
    return { cost: plus(cost, ...costs), ...(size ? { size } : {}) };
  }

  #fold(node: Fold): Size {
    if (node.condition.kind === 'literal' && node.condition.value === false) return this.#bind(node);
    const before = [this.cost(node.range), this.cost(node.init)];
    this.#pushValue(node.accumulator, node.init);
    const entries = this.#entriesOf(node.range);
    const isList = (entries?.container ?? this.#type(node.range).kind) === 'list';
    const path = this.#path(node.range);
    const at = (step: string): readonly string[] => [...path, step];
    if (node.value === undefined) {
      const local = isList
        ? { path: at('@items'), size: entries?.value, entries: undefined }
        : { path: at('@keys'), size: entries?.key, entries: undefined };
      this.#push(node.item, local);
    } else {
      this.#push(node.item, { path: at(isList ? '@indices' : '@keys'), size: entries?.key, entries: undefined });
      this.#push(node.value, { path: at(isList ? '@items' : '@values'), size: entries?.value, entries: undefined });
    }
    const each = plus(this.cost(node.condition), this.cost(node.step));
    this.#pop(node.item);
    if (node.value !== undefined) this.#pop(node.value);
    const result = this.cost(node.result);
    this.#pop(node.accumulator);
    const count = this.#sizeOrUnknown(node.range);
    if (node.init.kind === 'literal') {
      const size = this.#size(node.init);
      if (size) this.#sizes.set(node.id, size);
    } else {
      this.#sizes.set(node.id, count);
      const gathered = this.#entriesOf(node.step);
      if (gathered) this.#entries.set(node.id, gathered);
    }
    return plus(...before, result, times(count, each));
  }

  #bind(node: Fold): Size {
    const before = [this.cost(node.range), this.cost(node.init)];
    this.#pushValue(node.accumulator, node.init);
    const result = this.cost(node.result);
    this.#pop(node.accumulator);
    this.#copySizes(node, node.result);
    return plus(...before, result);
  }

  #pushValue(name: string, node: Expr): void {
    this.#push(name, { path: this.#path(node), size: this.#size(node), entries: this.#entriesOf(node) });
  }

  #copySizes(to: Expr, from: Expr): void {
    const size = this.#size(from);
    const entries = this.#entriesOf(from);
    if (size) this.#sizes.set(to.id, size);
    if (entries) this.#entries.set(to.id, entries);
  }

  #sizeOrUnknown(node: Expr): Size {
    return this.#size(node) ?? unknownSize;
  }

  #size(node: Expr): Size | undefined {
    const known = this.#sizes.get(node.id) ?? ownSize(node);
    if (known) return known;
    const path = this.#path(node);
    const asked = path.length > 0 && !accumulators.has(path[0] ?? '') ? this.#sizeAt(path) : undefined;
    if (asked) {
      this.#sizes.set(node.id, asked);
      return asked;
    }
    if (isScalar(this.#type(node))) return fixed(1);
    return node.kind === 'ident' ? this.#local(node.name)?.size : undefined;
  }

  #entriesOf(node: Expr): Entries | undefined {
    return this.#entries.get(node.id) ?? (node.kind === 'ident' ? this.#local(node.name)?.entries : undefined);
  }

  #unionEntries(a: Expr, b: Expr): Entries | undefined {
    const [x, y] = [this.#entriesOf(a), this.#entriesOf(b)];
    return x && y && { ...x, key: union(x.key, y.key), value: union(x.value, y.value) };
  }
}

/** The size of what stands in the text itself. */
function ownSize(node: Expr): Size | undefined {
  if (node.kind === 'literal') return fixed(sizeOf(node.value));
  if (node.kind === 'list') return fixed(node.items.length);
  return node.kind === 'map' ? fixed(node.entries.length) : undefined;
}
