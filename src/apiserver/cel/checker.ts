import type { Environment, Overload } from './environment.ts';
import { ExpressionError, ExpressionErrors } from './lexer.ts';
import { literalProblems } from './literal-checks.ts';
import { type Mapping, mostGeneral, substitute, unify } from './substitution.ts';
import { type Call, type Expr, type Fold, qualifiedName, type StructLiteral } from './tree.ts';
import {
  boolType,
  dynType,
  errorType,
  intType,
  isDynOrError,
  isOptional,
  listOf,
  mapOf,
  optionalOf,
  paramType,
  type Type,
  typeText,
} from './types.ts';

/** What checking a tree found out about its nodes, by their ids. */
export interface Checked {
  readonly type: Type;
  readonly types: ReadonlyMap<number, Type>;
  /** The forms of a function that a call can mean. */
  readonly overloads: ReadonlyMap<number, readonly Overload[]>;
  /** Nodes that are a name as a whole: `a.b` of one variable. Calls: the whole name of a function without target. */
  readonly names: ReadonlyMap<number, string>;
}

/** Checks the types of a tree. Throws ExpressionError for the first problem, ExpressionErrors for several. */
export function check(tree: Expr, environment: Environment): Checked {
  const checker = new Checker(environment);
  checker.check(tree);
  if (checker.problems.length > 0) throw new ExpressionErrors(checker.problems);
  const types = new Map([...checker.types].map(([id, type]) => [id, substitute(checker.mapping, type, true)]));
  const problems = literalProblems(tree, types);
  if (problems.length > 0) throw new ExpressionErrors(problems);
  return { type: types.get(tree.id) ?? dynType, types, overloads: checker.overloads, names: checker.names };
}

interface Scope {
  readonly name: string;
  readonly type: Type;
  readonly outer: Scope | undefined;
}

class Checker {
  readonly problems: ExpressionError[] = [];
  readonly types = new Map<number, Type>();
  readonly overloads = new Map<number, readonly Overload[]>();
  readonly names = new Map<number, string>();
  readonly mapping: Mapping = new Map();
  readonly #environment: Environment;
  #scope: Scope | undefined;
  #free = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  check(node: Expr): Type {
    const type = this.#typeOf(node);
    this.types.set(node.id, type);
    return type;
  }

  #problem(node: { at: number }, message: string): Type {
    this.problems.push(new ExpressionError(message, node.at));
    return errorType;
  }

  #known(type: Type): Type {
    return substitute(this.mapping, type, false);
  }

  #newParam(): Type {
    return paramType(`_var${this.#free++}`);
  }

  #lookup(name: string): Type | undefined {
    for (let scope = this.#scope; scope; scope = scope.outer) if (scope.name === name) return scope.type;
    return this.#environment.lookupName(name)?.type;
  }

  #typeOf(node: Expr): Type {
    switch (node.kind) {
      case 'literal':
        return node.type;
      case 'ident':
        return (
          this.#lookup(node.name) ?? this.#problem(node, `undeclared reference to '${node.name}' (in container '')`)
        );
      case 'select': {
        const name = node.test ? undefined : qualifiedName(node);
        const whole = name === undefined ? undefined : this.#lookup(name);
        if (name !== undefined && whole) {
          this.names.set(node.id, name);
          return whole;
        }
        const type = this.#field(node, node.operand, node.field, false);
        return node.test ? boolType : this.#known(type);
      }
      case 'call':
        return this.#call(node);
      case 'list': {
        let items: Type | undefined;
        for (const [i, item] of node.items.entries())
          items = this.#join(items, this.#unwrapped(item, this.check(item), node.optional.has(i)));
        return listOf(items ?? this.#newParam());
      }
      case 'map': {
        let keys: Type | undefined;
        let values: Type | undefined;
        for (const { key, value, optional } of node.entries) {
          keys = this.#join(keys, this.check(key));
          values = this.#join(values, this.#unwrapped(value, this.check(value), optional));
        }
        return mapOf(keys ?? this.#newParam(), values ?? this.#newParam());
      }
      case 'struct':
        return this.#struct(node);
      case 'fold':
        return this.#fold(node);
    }
  }

  #unwrapped(node: Expr, type: Type, optional: boolean): Type {
    if (!optional) return type;
    if (isOptional(type)) return type.params[0] ?? dynType;
    if (type.kind !== 'dyn')
      this.#problem(node, `expected type '${typeText(optionalOf(type))}' but found '${typeText(type)}'`);
    return type;
  }

  /** The type of two parts of one literal; where they do not fit, that is told of the literal as a whole. */
  #join(previous: Type | undefined, current: Type): Type {
    if (!previous) return current;
    if (unify(this.mapping, [previous], [current])) return mostGeneral(previous, current);
    return dynType;
  }

  #field(node: Expr, operand: Expr, field: string, optional: boolean): Type {
    const of = this.#known(this.check(operand));
    const target = isOptional(of) ? (of.params[0] ?? dynType) : of;
    let result: Type = errorType;
    switch (target.kind) {
      case 'map':
        result = target.params[1] ?? dynType;
        break;
      case 'struct':
        result =
          this.#environment.fieldOf(target.name, field) ??
          this.#problem(
            node,
            this.#environment.isOpaque(target.name)
              ? `unexpected failed resolution of '${target.name}'`
              : `undefined field '${field}'`,
          );
        break;
      case 'param':
        unify(this.mapping, [dynType], [target]);
        result = dynType;
        break;
      default:
        if (!isDynOrError(target)) this.#problem(node, `type '${typeText(target)}' does not support field selection`);
        result = dynType;
    }
    return isOptional(of) || optional ? optionalOf(result) : result;
  }

  #call(node: Call): Type {
    if (node.name === '_?._') {
      const [operand, field] = node.args as [Expr, Expr];
      this.types.set(field.id, { kind: 'string', name: 'string', params: [] });
      return this.#known(this.#field(node, operand, field.kind === 'literal' ? String(field.value) : '', true));
    }
    for (const arg of node.args) this.check(arg);
    const { target } = node;
    if (!target) return this.#resolve(node, node.name, undefined);
    const prefix = qualifiedName(target);
    const whole = `${prefix}.${node.name}`;
    if (prefix !== undefined && this.#environment.lookupFunction(whole)) {
      this.names.set(node.id, whole);
      return this.#resolve(node, whole, undefined);
    }
    this.check(target);
    return this.#resolve(node, node.name, target);
  }

  #resolve(node: Call, name: string, target: Expr | undefined): Type {
    const overloads = this.#environment.lookupFunction(name);
    if (!overloads) return this.#problem(node, `undeclared reference to '${name}' (in container '')`);
    const given = [...(target ? [target] : []), ...node.args];
    const types = given.map((arg) => this.types.get(arg.id) ?? dynType);
    if (name === '_&&_' || name === '_||_') return this.#logical(node, overloads, types);
    let result: Type | undefined;
    const matching: Overload[] = [];
    for (const overload of overloads) {
      if (overload.member !== (target !== undefined)) continue;
      const fresh: Mapping = new Map();
      const args = overload.args.map((type) => this.#instantiated(type, fresh));
      if (!unify(this.mapping, types, args)) continue;
      matching.push(overload);
      const found = this.#known(this.#instantiated(overload.result, fresh));
      if (!result) result = found;
      else if (result.kind !== 'dyn' && typeText(found) !== typeText(result)) result = dynType;
    }
    if (!result) {
      const texts = types.map((type) => typeText(substitute(this.mapping, type, true)));
      const receiver = target ? `${texts.shift()}.` : '';
      const signature = `${receiver}(${texts.join(', ')})`;
      return this.#problem(node, `found no matching overload for '${name}' applied to '${signature}'`);
    }
    this.overloads.set(node.id, matching);
    return result;
  }

  #logical(node: Call, overloads: readonly Overload[], types: readonly Type[]): Type {
    let wrong = false;
    for (const [i, type] of types.entries()) {
      if (unify(this.mapping, [type], [boolType])) continue;
      this.#problem(node.args[i] as Expr, `expected type 'bool' but found '${typeText(type)}'`);
      wrong = true;
    }
    this.overloads.set(node.id, overloads);
    return wrong ? errorType : boolType;
  }

  /** A declared type with parameters that are nobody else's. */
  #instantiated(type: Type, fresh: Mapping): Type {
    if (type.kind === 'param') {
      const known = fresh.get(type.name) ?? this.#newParam();
      fresh.set(type.name, known);
      return known;
    }
    if (type.params.length === 0) return type;
    return { ...type, params: type.params.map((param) => this.#instantiated(param, fresh)) };
  }

  #struct(node: StructLiteral): Type {
    const type = this.#lookup(node.name);
    let result: Type = errorType;
    if (!type) this.#problem(node, `undeclared reference to '${node.name}' (in container '')`);
    else if (type.kind !== 'type') this.#problem(node, `'${typeText(type)}' is not a type`);
    else {
      result = type.params[0] ?? errorType;
      if (result.kind !== 'struct') result = this.#problem(node, `'${typeText(result)}' is not a message type`);
    }
    if (!type) return result;
    for (const field of node.fields) {
      const given = this.check(field.value);
      const wanted =
        result.kind === 'struct'
          ? (this.#environment.fieldOf(result.name, field.name) ??
            this.#problem(field, `undefined field '${field.name}'`))
          : errorType;
      const value = this.#unwrapped(field.value, given, field.optional);
      if (!unify(this.mapping, [wanted], [value])) {
        const [expected, found] = [typeText(wanted), typeText(value)];
        this.#problem(field, `expected type of field '${field.name}' is '${expected}' but provided type is '${found}'`);
      }
    }
    return result;
  }

  #fold(node: Fold): Type {
    const range = this.#known(this.check(node.range));
    const init = this.check(node.init);
    const before = this.#scope;
    this.#scope = { name: node.accumulator, type: init, outer: before };
    const outside = this.#scope;
    let [item, value]: [Type, Type] = [dynType, dynType];
    if (range.kind === 'list') {
      const items = range.params[0] ?? dynType;
      [item, value] = node.value === undefined ? [items, dynType] : [intType, items];
    } else if (range.kind === 'map') [item, value] = [range.params[0] ?? dynType, range.params[1] ?? dynType];
    else if (range.kind === 'param') unify(this.mapping, [dynType], [range]);
    else if (!isDynOrError(range)) {
      const why = 'cannot be range of a comprehension (must be list, map, or dynamic)';
      this.#problem(node.range, `expression of type '${typeText(range)}' ${why}`);
      [item, value] = [errorType, errorType];
    }
    this.#scope = { name: node.item, type: item, outer: this.#scope };
    if (node.value !== undefined) this.#scope = { name: node.value, type: value, outer: this.#scope };
    this.#assert(node.condition, boolType);
    this.#assert(node.step, init);
    this.#scope = outside;
    const result = this.check(node.result);
    this.#scope = before;
    return this.#known(result);
  }

  #assert(node: Expr, wanted: Type): void {
    const found = this.check(node);
    if (!unify(this.mapping, [wanted], [found]))
      this.#problem(node, `expected type '${typeText(wanted)}' but found '${typeText(found)}'`);
  }
}
