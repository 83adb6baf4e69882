import { ExpressionError } from './lexer.ts';
import type { Call, Expr, Fold, Ident, ListLiteral, Literal } from './tree.ts';
import { boolType, intType } from './types.ts';

/** Makes nodes, all at the place of the macro's call. */
interface Maker {
  literal(value: boolean | bigint): Literal;
  ident(name: string): Ident;
  call(name: string, ...args: Expr[]): Call;
  member(name: string, target: Expr, ...args: Expr[]): Call;
  list(...items: Expr[]): ListLiteral;
  map(): Expr;
  fold(parts: Omit<Fold, 'kind' | 'id' | 'at'>): Fold;
  copy(node: Expr): Expr;
}

export interface MacroOptions {
  /** `cel.bind` is one. */
  readonly bindings?: boolean;
}

export type NextId = () => number;

function makerAt(at: number, next: NextId): Maker {
  const call = (name: string, target: Expr | undefined, args: Expr[]): Call => ({
    kind: 'call',
    id: next(),
    at,
    name,
    target,
    args,
  });
  return {
    literal: (value) => ({
      kind: 'literal',
      id: next(),
      at,
      value,
      type: typeof value === 'boolean' ? boolType : intType,
    }),
    ident: (name) => ({ kind: 'ident', id: next(), at, name }),
    call: (name, ...args) => call(name, undefined, args),
    member: (name, target, ...args) => call(name, target, args),
    list: (...items) => ({ kind: 'list', id: next(), at, items, optional: new Set() }),
    map: () => ({ kind: 'map', id: next(), at, entries: [] }),
    fold: (parts) => ({ kind: 'fold', id: next(), at, ...parts }),
    copy: (node) => copyOf(node, next),
  };
}

function copyOf(node: Expr, next: NextId): Expr {
  const copied = (inner: Expr): Expr => copyOf(inner, next);
  const id = next();
  switch (node.kind) {
    case 'literal':
    case 'ident':
      return { ...node, id };
    case 'select':
      return { ...node, id, operand: copied(node.operand) };
    case 'call':
      return { ...node, id, target: node.target && copied(node.target), args: node.args.map(copied) };
    case 'list':
      return { ...node, id, items: node.items.map(copied) };
    case 'map':
      return {
        ...node,
        id,
        entries: node.entries.map((e) => ({ ...e, id: next(), key: copied(e.key), value: copied(e.value) })),
      };
    case 'struct':
      return { ...node, id, fields: node.fields.map((f) => ({ ...f, id: next(), value: copied(f.value) })) };
    case 'fold':
      return {
        ...node,
        id,
        range: copied(node.range),
        init: copied(node.init),
        condition: copied(node.condition),
        step: copied(node.step),
        result: copied(node.result),
      };
  }
}

export const accumulator = '@result';
const unused = '#unused';

interface Site {
  readonly target: Expr;
  readonly args: readonly Expr[];
  readonly make: Maker;
}

type Macro = (site: Site) => Expr;

const nameOf = (node: Expr | undefined, problem: string): string => {
  if (node?.kind === 'ident' && node.name !== accumulator && node.name !== '__result__') return node.name;
  if (node?.kind === 'ident') throw new ExpressionError('iteration variable overwrites accumulator variable', node.at);
  throw new ExpressionError(problem, node?.at ?? 0);
};

/** The one or two variables of a loop, and what comes after them. */
function variables(args: readonly Expr[], two: boolean, problem: string) {
  const item = nameOf(args[0], two ? 'argument must be a simple name' : problem);
  if (!two) return { item, value: undefined, rest: args.slice(1) };
  const value = nameOf(args[1], 'argument must be a simple name');
  if (item === value) throw new ExpressionError(`duplicate variable name: ${item}`, args[1]?.at ?? 0);
  return { item, value, rest: args.slice(2) };
}

const quantifier =
  (kind: 'all' | 'exists' | 'exists_one', two: boolean): Macro =>
  ({ target, args, make }) => {
    const { item, value, rest } = variables(args, two, 'argument must be a simple name');
    const predicate = rest[0] as Expr;
    const result = (): Expr => make.ident(accumulator);
    const goesOn = {
      all: () => make.call('@not_strictly_false', result()),
      exists: () => make.call('@not_strictly_false', make.call('!_', result())),
      exists_one: () => make.literal(true),
    };
    const step = {
      all: () => make.call('_&&_', result(), predicate),
      exists: () => make.call('_||_', result(), predicate),
      exists_one: () => make.call('_?_:_', predicate, make.call('_+_', result(), make.literal(1n)), result()),
    };
    return make.fold({
      range: target,
      item,
      value,
      accumulator,
      init: make.literal(kind === 'exists_one' ? 0n : kind === 'all'),
      condition: goesOn[kind](),
      step: step[kind](),
      result: kind === 'exists_one' ? make.call('_==_', result(), make.literal(1n)) : result(),
    });
  };

/** Macros that gather something: `step` adds to what is gathered, where `filter` holds. */
function gather(
  site: Site,
  names: { item: string; value: string | undefined },
  parts: {
    init: Expr;
    filter: Expr | undefined;
    step: Expr;
  },
): Expr {
  const { make, target } = site;
  const step = parts.filter ? make.call('_?_:_', parts.filter, parts.step, make.ident(accumulator)) : parts.step;
  const condition = make.literal(true);
  return make.fold({
    range: target,
    ...names,
    accumulator,
    init: parts.init,
    condition,
    step,
    result: make.ident(accumulator),
  });
}

const map: Macro = (site) => {
  const { make, args } = site;
  const { rest, ...names } = variables(args, false, 'argument is not an identifier');
  const [filter, transform] = rest.length === 2 ? rest : [undefined, rest[0]];
  const step = make.call('_+_', make.ident(accumulator), make.list(transform as Expr));
  return gather(site, names, { init: make.list(), filter, step });
};

const filter: Macro = (site) => {
  const { make, args } = site;
  const { rest, ...names } = variables(args, false, 'argument is not an identifier');
  const step = make.call('_+_', make.ident(accumulator), make.list(args[0] as Expr));
  return gather(site, names, { init: make.list(), filter: rest[0], step });
};

const transform =
  (into: 'list' | 'map' | 'entry'): Macro =>
  (site) => {
    const { make, args } = site;
    const { rest, ...names } = variables(args, true, 'argument must be a simple name');
    const [only, made] = rest.length === 2 ? rest : [undefined, rest[0] as Expr];
    const so = make.ident(accumulator);
    const steps = {
      list: () => make.call('_+_', so, make.list(made as Expr)),
      map: () => make.call('cel.@mapInsert', so, make.ident(names.item), made as Expr),
      entry: () => make.call('cel.@mapInsert', so, made as Expr),
    };
    return gather(site, names, { init: into === 'list' ? make.list() : make.map(), filter: only, step: steps[into]() });
  };

/** A name for a value: a loop that never runs, whose accumulator the result may name. */
const bound = (make: Maker, name: string, init: Expr, result: Expr): Fold =>
  make.fold({
    range: make.list(),
    item: unused,
    value: undefined,
    accumulator: name,
    init,
    condition: make.literal(false),
    step: make.ident(name),
    result,
  });

const optionalMap =
  (flat: boolean): Macro =>
  ({ target, args, make }) => {
    const what = flat ? 'optFlatMap()' : 'optMap()';
    if (args[0]?.kind !== 'ident')
      throw new ExpressionError(`${what} variable name must be a simple identifier`, args[0]?.at ?? 0);
    const has = make.member('hasValue', target);
    const inner = bound(make, args[0].name, make.member('value', make.copy(target)), args[1] as Expr);
    return make.call('_?_:_', has, flat ? inner : make.call('optional.of', inner), make.call('optional.none'));
  };

const sortable: ReadonlySet<string> = new Set(['list', 'select', 'ident', 'fold', 'call']);

const sortBy: Macro = ({ target, args, make }) => {
  if (!sortable.has(target.kind)) {
    const why = 'sortBy can only be applied to a list, identifier, comprehension, call or select expression';
    throw new ExpressionError(why, target.at);
  }
  const list = '@__sortBy_input__';
  const keys = map({ target: make.ident(list), args, make });
  return bound(make, list, target, make.member('@sortByAssociatedKeys', make.ident(list), keys));
};

const receivers: Readonly<Record<string, Macro>> = {
  'all/2': quantifier('all', false),
  'all/3': quantifier('all', true),
  'exists/2': quantifier('exists', false),
  'exists/3': quantifier('exists', true),
  'exists_one/2': quantifier('exists_one', false),
  'exists_one/3': quantifier('exists_one', true),
  'existsOne/3': quantifier('exists_one', true),
  'map/2': map,
  'map/3': map,
  'filter/2': filter,
  'transformList/3': transform('list'),
  'transformList/4': transform('list'),
  'transformMap/3': transform('map'),
  'transformMap/4': transform('map'),
  'transformMapEntry/3': transform('entry'),
  'transformMapEntry/4': transform('entry'),
  'sortBy/2': sortBy,
  'optMap/2': optionalMap(false),
  'optFlatMap/2': optionalMap(true),
};

/** What a call stands for when it is a macro; undefined when it is a call. Throws ExpressionError. */
export function expandMacro(call: Call, next: NextId, { bindings }: MacroOptions): Expr | undefined {
  const { name, target, args, at } = call;
  const make = makerAt(at, next);
  if (!target) {
    if (name !== 'has' || args.length !== 1) return undefined;
    const [of] = args as [Expr];
    if (of.kind !== 'select' || of.test) throw new ExpressionError('invalid argument to has() macro', of.at);
    return { kind: 'select', id: next(), at, operand: of.operand, field: of.field, test: true };
  }
  if (bindings && name === 'bind' && args.length === 3 && target.kind === 'ident' && target.name === 'cel') {
    const [variable, value, result] = args as [Expr, Expr, Expr];
    if (variable.kind !== 'ident')
      throw new ExpressionError('cel.bind() variable names must be simple identifiers', variable.at);
    return bound(make, variable.name, value, result);
  }
  return receivers[`${name}/${args.length}`]?.({ target, args, make });
}
