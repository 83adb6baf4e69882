import { costOf, listCost, mapCost, structCost } from './call-cost.ts';
import type { Checked } from './checker.ts';
import { CostError, charge } from './cost.ts';
import { dispatch, type Environment, type Overload } from './environment.ts';
import { noForm } from './no-form.ts';
import { goPattern } from './regex.ts';
import type { Call, Expr, Fold, Literal, Select } from './tree.ts';
import { keyOf, Message, Optional, reservedWords, typeName } from './values.ts';

/** What names stand for: variables by name, given as values or as functions that are asked once. */
export type Variables = ReadonlyMap<string, unknown>;

interface Local {
  readonly name: string;
  value: unknown;
  readonly outer: Local | undefined;
}

interface Frame {
  readonly variables: Variables;
  readonly local: Local | undefined;
}

type Run = (frame: Frame) => unknown;

/** A checked tree as something that can be run. */
export function interpret(tree: Expr, checked: Checked, environment: Environment): (variables: Variables) => unknown {
  const run = new Planner(checked, environment).plan(tree);
  return (variables) => run({ variables, local: undefined });
}

/** Something that stands in the text cannot be made: told when the expression is compiled. */
export class InstantiationError extends Error {
  constructor(why: string) {
    super(`program instantiation failed: ${why}`);
  }
}

/** Conversions of what stands in the text are done once. */
const conversions: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'uint',
]);

const constant =
  (value: unknown): Run =>
  () =>
    value;

/** An error that a loop goes on with, as `all` and `exists` may go over it. */
class Failed {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

/** What is run here and not by a function. */
const shapes: ReadonlySet<string> = new Set([
  '_&&_',
  '_||_',
  '_?_:_',
  '@not_strictly_false',
  '_?._',
  '_[_]',
  '_[?_]',
  'or',
  'orValue',
]);

const none: [Run, Run, Run] = [constant(null), constant(null), constant(null)];

const noOverload = (): Error => new Error('no such overload');
const noIndex = (index: unknown): Error =>
  new Error(
    typeof index === 'number'
      ? `unsupported index value ${index} in list`
      : `unsupported index type '${typeName(index)}' in list`,
  );
const noKey = (key: unknown): Error => new Error(`no such key: ${String(key)}`);

function settled(value: unknown): unknown {
  if (value instanceof Failed) throw value.error;
  return value;
}

class Planner {
  readonly #checked: Checked;
  readonly #environment: Environment;

  constructor(checked: Checked, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  plan(node: Expr): Run {
    switch (node.kind) {
      case 'literal': {
        const { value } = node;
        return () => value;
      }
      case 'ident':
        return this.#name(node.name);
      case 'select': {
        const name = this.#checked.names.get(node.id);
        return name === undefined ? this.#select(node) : this.#name(name);
      }
      case 'call':
        return this.#call(node);
      case 'list': {
        if (node.optional.size === 0 && node.items.every((item) => item.kind === 'literal'))
          return constant(node.items.map((item) => (item as Literal).value));
        const items = node.items.map((item, i) => ({ run: this.plan(item), optional: node.optional.has(i) }));
        return (frame) => {
          const list: unknown[] = [];
          for (const { run, optional } of items) {
            const value = run(frame);
            if (!optional) list.push(value);
            else if ((value as Optional).hasValue) list.push((value as Optional).value);
          }
          charge(listCost);
          return list;
        };
      }
      case 'map': {
        const entries = node.entries.map((e) => ({ ...e, key: this.plan(e.key), value: this.plan(e.value) }));
        return (frame) => {
          const map = new Map<unknown, unknown>();
          for (const { key, value, optional } of entries) {
            const found = keyOf(key(frame));
            const item = value(frame);
            if (found === undefined) throw new Error('unsupported key type');
            if (!optional) map.set(found, item);
            else if ((item as Optional).hasValue) map.set(found, (item as Optional).value);
          }
          charge(mapCost);
          return map;
        };
      }
      case 'struct': {
        const fields = node.fields.map((f) => ({ ...f, value: this.plan(f.value) }));
        return (frame) => {
          const map = new Message(node.name);
          for (const { name, value, optional } of fields) {
            const item = value(frame);
            if (!optional) map.set(name, item);
            else if ((item as Optional).hasValue) map.set(name, (item as Optional).value);
          }
          charge(structCost);
          return map;
        };
      }
      case 'fold':
        return this.#fold(node);
    }
  }

  #name(name: string): Run {
    const known = this.#environment.lookupName(name);
    return ({ variables, local }) => {
      charge(1);
      for (let scope = local; scope; scope = scope.outer) if (scope.name === name) return settled(scope.value);
      if (variables.has(name)) {
        const value = variables.get(name);
        return typeof value === 'function' ? (value as () => unknown)() : value;
      }
      if (known && 'value' in known) return known.value;
      throw new Error(`no such attribute(s): ${name}`);
    };
  }

  #select({ operand, field, test }: Select): Run {
    const run = this.plan(operand);
    if (test) return (frame) => hasField(run(frame), field);
    return (frame) => {
      const value = run(frame);
      charge(1);
      if (value instanceof Optional) return value.hasValue ? optionalField(value.value, field) : Optional.none;
      return fieldOf(value, field);
    };
  }

  #call(node: Call): Run {
    const name = this.#checked.names.get(node.id) ?? node.name;
    const target = this.#checked.names.has(node.id) ? undefined : node.target;
    const operands = [...(target ? [target] : []), ...node.args];
    const [first, second, third] = shapes.has(name) ? (operands.map((arg) => this.plan(arg)) as [Run, Run, Run]) : none;
    switch (name) {
      case '_&&_':
        return (frame) => logical(first, second, frame, false);
      case '_||_':
        return (frame) => logical(first, second, frame, true);
      case '_?_:_':
        return (frame) => {
          const condition = first(frame);
          if (typeof condition !== 'boolean') throw noOverload();
          return condition ? second(frame) : third(frame);
        };
      case '@not_strictly_false':
        return (frame) => {
          charge(1);
          try {
            return first(frame) !== false;
          } catch (error) {
            if (error instanceof CostError) throw error;
            return true;
          }
        };
      case '_?._': {
        const field = String((node.args[1] as { value?: unknown }).value);
        return (frame) => {
          const value = first(frame);
          charge(1);
          const of = value instanceof Optional ? (value.hasValue ? value.value : undefined) : value;
          return of === undefined ? Optional.none : optionalField(of, field);
        };
      }
      case '_[_]':
        return (frame) => {
          const value = first(frame);
          const index = second(frame);
          charge(1);
          if (value instanceof Optional) return value.hasValue ? optionalItem(value.value, index) : Optional.none;
          return itemOf(value, index);
        };
      case '_[?_]':
        return (frame) => {
          const value = first(frame);
          const index = second(frame);
          charge(1);
          if (value instanceof Optional) return value.hasValue ? optionalItem(value.value, index) : Optional.none;
          return optionalItem(value, index);
        };
      case 'or':
      case 'orValue':
        // The other one is only asked when it is needed.
        return (frame) => {
          const value = first(frame);
          charge(1);
          if (!(value instanceof Optional)) {
            if (name === 'orValue') return value;
            throw noOverload();
          }
          if (!value.hasValue) return second(frame);
          return name === 'or' ? value : value.value;
        };
      default:
        return this.#function(name, operands, this.#checked.overloads.get(node.id) ?? [], this.#known(node));
    }
  }

  /** What stands in the text, and conversions of it; undefined: it is not known before it is run. */
  #known(node: Expr): { value: unknown } | undefined {
    if (node.kind === 'literal') return { value: node.value };
    if (node.kind !== 'call' || node.target || !conversions.has(node.name) || node.args.length !== 1) return undefined;
    const inner = this.#known(node.args[0] as Expr);
    return inner && { value: this.#converted(node, inner.value) };
  }

  #converted({ id, name }: Call, value: unknown): unknown {
    try {
      const chosen = dispatch(this.#checked.overloads.get(id) ?? [], [value]) ?? this.#anyOverload(name, [value]);
      if (!chosen) throw noForm(name, [value]);
      return chosen.run(value as never);
    } catch (error) {
      throw new InstantiationError((error as Error).message);
    }
  }

  #function(name: string, given: readonly Expr[], overloads: readonly Overload[], known?: { value: unknown }): Run {
    if (known) return constant(known.value);
    checkPattern(name, given);
    const args = given.map((arg) => this.plan(arg));
    const cost = costOf(name);
    const spend = (chosen: Overload, values: readonly unknown[]): unknown => {
      const result = chosen.run(...(values as never[]));
      charge(cost(values, result, chosen.id));
      return result;
    };
    return (frame) => {
      const values = args.map((arg) => arg(frame));
      const chosen = dispatch(overloads, values) ?? this.#anyOverload(name, values);
      if (!chosen) throw noForm(name, values);
      return spend(chosen, values);
    };
  }

  /** What the checker took for one form may be another at run time, where values without a type are involved. */
  #anyOverload(name: string, values: readonly unknown[]): Overload | undefined {
    return dispatch(this.#environment.lookupFunction(name) ?? [], values);
  }

  #fold({ range, item, value, accumulator, init, condition, step, result }: Fold): Run {
    const runs = {
      range: this.plan(range),
      init: this.plan(init),
      condition: this.plan(condition),
      step: this.plan(step),
      result: this.plan(result),
    };
    const bind = condition.kind === 'literal' && condition.value === false;
    const goesOn = condition.kind === 'call';
    return (frame) => {
      if (bind) {
        const local = { name: accumulator, value: runs.init(frame), outer: frame.local };
        return runs.result({ ...frame, local });
      }
      const over = runs.range(frame);
      const accumulated: Local = { name: accumulator, value: runs.init(frame), outer: frame.local };
      const within = { variables: frame.variables, local: accumulated };
      for (const [key, entry] of entriesOf(over, value !== undefined)) {
        let local: Local = { name: item, value: key, outer: accumulated };
        if (value !== undefined) local = { name: value, value: entry, outer: local };
        const inner = { variables: frame.variables, local };
        if (runs.condition(inner) !== true) break;
        try {
          accumulated.value = runs.step(inner);
        } catch (error) {
          if (!goesOn || error instanceof CostError) throw error;
          accumulated.value = new Failed(error);
        }
      }
      return runs.result(within);
    };
  }
}

/** A pattern that stands in the text is compiled once, and before anything is run. */
function checkPattern(name: string, [, pattern]: readonly Expr[]): void {
  if ((name !== 'find' && name !== 'findAll') || pattern?.kind !== 'literal') return;
  try {
    goPattern(String(pattern.value));
  } catch (error) {
    throw new InstantiationError((error as Error).message);
  }
}

/** `absorbing`: what one side has to be for the other not to count. */
function logical(left: Run, right: Run, frame: Frame, absorbing: boolean): boolean {
  let failure: unknown;
  for (const side of [left, right]) {
    try {
      const value = side(frame);
      if (value === absorbing) return absorbing;
      if (typeof value !== 'boolean') failure ??= noOverload();
    } catch (error) {
      if (error instanceof CostError) throw error;
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return !absorbing;
}

function* entriesOf(over: unknown, two: boolean): Generator<[unknown, unknown]> {
  if (Array.isArray(over)) for (const [i, entry] of over.entries()) yield two ? [BigInt(i), entry] : [entry, undefined];
  else if (over instanceof Map) yield* over as Map<unknown, unknown>;
  else throw new Error(`got '${goTypes[typeName(over)] ?? typeName(over)}', expected iterable type`);
}

/** Names that upstream's messages have of types, where they are not those of the language. */
const goTypes: Readonly<Record<string, string>> = {
  bool: 'types.Bool',
  bytes: 'types.Bytes',
  double: 'types.Double',
  int: 'types.Int',
  null_type: 'types.Null',
  string: 'types.String',
  uint: 'types.Uint',
  'google.protobuf.Timestamp': 'types.Timestamp',
  'google.protobuf.Duration': 'types.Duration',
};

interface Selectable {
  celField(name: string): unknown;
}

const isSelectable = (value: unknown): value is Selectable =>
  typeof value === 'object' && value !== null && 'celField' in value;

function fieldOf(value: unknown, field: string): unknown {
  if (value instanceof Map) {
    const found: unknown = value.get(field);
    if (found !== undefined || value.has(field)) return found;
    // Words of the language are escaped in data with a schema, and may be written plainly.
    const escaped = `__${field}__`;
    if (!reservedWords.has(field) || !value.has(escaped)) throw noKey(field);
    return value.get(escaped);
  }
  if (isSelectable(value)) {
    const found = value.celField(field);
    if (found === undefined) throw noKey(field);
    return found;
  }
  if (Array.isArray(value)) throw noIndex(field);
  throw noKey(field);
}

function hasField(value: unknown, field: string): boolean {
  if (value instanceof Optional) return value.hasValue && hasField(value.value, field);
  if (value instanceof Map) return value.has(field) || (reservedWords.has(field) && value.has(`__${field}__`));
  if (isSelectable(value)) return value.celField(field) !== undefined;
  if (Array.isArray(value)) throw noIndex(field);
  return false;
}

const optionalField = (value: unknown, field: string): Optional =>
  hasField(value, field) ? Optional.of(fieldOf(value, field)) : Optional.none;

function indexIn(list: readonly unknown[], index: unknown): number | undefined {
  const key = typeof index === 'boolean' || typeof index === 'string' ? undefined : keyOf(index);
  if (typeof key !== 'bigint') return undefined;
  return key >= 0n && key < BigInt(list.length) ? Number(key) : undefined;
}

function itemOf(value: unknown, index: unknown): unknown {
  if (Array.isArray(value)) {
    const at = indexIn(value, index);
    if (at !== undefined) return value[at];
    const key = keyOf(index);
    throw typeof key === 'bigint' ? new Error(`index out of bounds: ${key}`) : noIndex(index);
  }
  if (!(value instanceof Map)) throw noKey(keyOf(index) ?? index);
  const key = keyOf(index);
  if (key === undefined || !value.has(key)) throw noKey(key ?? index);
  return value.get(key);
}

function optionalItem(value: unknown, index: unknown): Optional {
  if (Array.isArray(value)) {
    const at = indexIn(value, index);
    return at === undefined ? Optional.none : Optional.of(value[at]);
  }
  if (!(value instanceof Map)) return Optional.none;
  const key = keyOf(index);
  return key !== undefined && value.has(key) ? Optional.of(value.get(key)) : Optional.none;
}
