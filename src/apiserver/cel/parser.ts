import { createHeights } from './heights.ts';
import { ExpressionError, ExpressionErrors, nowhere, syntaxError, type Token, tokenize } from './lexer.ts';
import { expandMacro, type MacroOptions } from './macros.ts';
import type { Entry, Expr, FieldInit } from './tree.ts';
import { boolType, bytesType, doubleType, intType, nullType, stringType, type Type, uintType } from './types.ts';
import { Uint } from './values.ts';

const starts =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

const reserved = new Set(
  ['as', 'break', 'const', 'continue', 'else', 'false', 'for', 'function', 'if', 'import', 'in', 'let', 'loop'].concat([
    'package',
    'namespace',
    'null',
    'return',
    'true',
    'var',
    'void',
    'while',
  ]),
);

const indexStarts = starts.replace("'!', ", "'!', '?', ");
const listEnds = "{']', ','}";
const mapEnds = "{'}', ','}";

/** Whether an expression can begin with a token. */
function canStart({ kind, text }: Token): boolean {
  if (kind === 'symbol') return ['[', '{', '(', '.', '-', '!'].includes(text);
  return kind !== 'end' && kind !== 'quoted' && text !== 'in';
}

/** Names in backquotes are read, and not taken: upstream leaves them off. */
function plainName({ kind, text, at }: Token): string {
  if (kind === 'quoted') throw new ExpressionError("unsupported syntax: '`'", at);
  return text;
}

const deepest = 250;

/** Binary operators by how tightly they bind, the loosest first. */
const levels: readonly Readonly<Record<string, string>>[] = [
  { '||': '_||_' },
  { '&&': '_&&_' },
  { '==': '_==_', '!=': '_!=_', '<': '_<_', '<=': '_<=_', '>': '_>_', '>=': '_>=_', in: '@in' },
  { '+': '_+_', '-': '_-_' },
  { '*': '_*_', '/': '_/_', '%': '_%_' },
];

/** Operators that make a tree deeper. */
const stepping = new Set([...levels.slice(2).flatMap(Object.values<string>), '_?_:_', '_[_]', '_[?_]']);

/** Reads an expression, its macros expanded. Throws ExpressionError. */
export function parse(source: string, options: MacroOptions = {}): Expr {
  return new Parser(source, options).whole();
}

class Parser {
  readonly #options: MacroOptions;
  readonly #tokens: Token[];
  readonly #problems: readonly ExpressionError[];
  readonly #empty: boolean;
  #i = 0;
  #depth = 0;
  readonly #heights = createHeights(deepest);
  #ids = 0;

  constructor(source: string, options: MacroOptions) {
    this.#options = options;
    const { tokens, problems } = tokenize(source);
    this.#tokens = tokens;
    this.#problems = problems;
    this.#empty = tokens.length === 1 && problems.length === 0;
  }

  whole(): Expr {
    let node: Expr;
    try {
      node = this.#expression();
      if (this.#token.kind !== 'end') throw this.#unexpected('<EOF>');
    } catch (error) {
      if (error instanceof ExpressionError) throw new ExpressionErrors([...this.#problems, error]);
      throw error;
    }
    if (this.#problems.length > 0) throw new ExpressionErrors(this.#problems);
    if (this.#heights.tooDeep) throw new ExpressionError('max recursion depth exceeded', nowhere);
    return node;
  }

  readonly #nextId = (): number => ++this.#ids;

  get #token(): Token {
    return this.#tokens[this.#i] as Token;
  }

  #is(text: string): boolean {
    const { kind, text: found } = this.#token;
    return found === text && (kind === 'symbol' || kind === 'identifier');
  }

  #take(): Token {
    const token = this.#token;
    if (token.kind !== 'end') this.#i++;
    return token;
  }

  #accept(text: string): Token | undefined {
    return this.#is(text) ? this.#take() : undefined;
  }

  #expect(text: string): Token {
    if (!this.#is(text)) throw this.#unexpected(`'${text}'`);
    return this.#take();
  }

  #close(text: string, ends: string): void {
    if (!this.#is(text)) throw this.#unexpected(ends);
    this.#take();
  }

  /** In the words of a parser that knows how to go on without a token, or with one more. */
  #unexpected(wanted: string): ExpressionError {
    const { text, at, kind } = this.#token;
    const following = this.#tokens[this.#i + 1];
    const shown = `'${text}'`;
    if (wanted.startsWith('{')) {
      const opens = wanted === starts || wanted === indexStarts;
      const extra = opens && kind !== 'end' && text !== 'in' && following !== undefined && canStart(following);
      return syntaxError(
        `${extra ? 'extraneous' : 'mismatched'} input ${shown} expecting ${wanted}`,
        this.#empty ? undefined : at,
      );
    }
    const deletes = wanted === '<EOF>' ? following?.kind === 'end' : `'${following?.text}'` === wanted;
    if (deletes && kind !== 'end') return syntaxError(`extraneous input ${shown} expecting ${wanted}`, at);
    if (wanted === "':'" ? canStart(this.#token) : wanted !== '<EOF>' && kind === 'end')
      return syntaxError(`missing ${wanted} at ${shown}`, at);
    return syntaxError(`mismatched input ${shown} expecting ${wanted}`, at);
  }

  #call(name: string, at: number, args: Expr[], target?: Expr): Expr {
    const call = { kind: 'call', id: this.#nextId(), at, name, target, args } as const;
    const steps = target || stepping.has(name) ? 1 : 0;
    return this.#heights.over(expandMacro(call, this.#nextId, this.#options) ?? call, steps, [target, ...args]);
  }

  /** A long chain of `&&` or `||` as a tree of little depth. */
  #balanced(name: string, terms: readonly Expr[], places: readonly number[], from: number, to: number): Expr {
    const middle = (from + to + 1) >> 1;
    const left = middle === from ? terms[middle] : this.#balanced(name, terms, places, from, middle - 1);
    const right = middle === to ? terms[middle + 1] : this.#balanced(name, terms, places, middle + 1, to);
    return this.#call(name, places[middle] as number, [left as Expr, right as Expr]);
  }

  #expression(): Expr {
    if (++this.#depth > deepest) throw new ExpressionError(`expression recursion limit exceeded: ${deepest}`, nowhere);
    const condition = this.#binary(0);
    const question = this.#accept('?');
    let node = condition;
    if (question) {
      const then = this.#binary(0);
      this.#expect(':');
      node = this.#call('_?_:_', question.at, [condition, then, this.#expression()]);
    }
    this.#depth--;
    return node;
  }

  #binary(level: number): Expr {
    const operators = levels[level];
    if (!operators) return this.#unary();
    const first = this.#binary(level + 1);
    let node = first;
    const terms = [first];
    const places: number[] = [];
    let name = '';
    for (;;) {
      const { kind, text, at } = this.#token;
      const isOperator = (kind === 'symbol' || text === 'in') && kind !== 'string' && Object.hasOwn(operators, text);
      if (!isOperator) break;
      this.#take();
      name = operators[text] ?? '';
      const next = this.#binary(level + 1);
      if (stepping.has(name)) node = this.#call(name, at, [node, next]);
      terms.push(next);
      places.push(at);
    }
    return places.length === 0 || stepping.has(name) ? node : this.#balanced(name, terms, places, 0, places.length - 1);
  }

  #unary(): Expr {
    const { at } = this.#token;
    if (this.#is('!')) {
      let count = 0;
      while (this.#accept('!')) count++;
      const inner = this.#member();
      return count % 2 === 0 ? inner : this.#call('!_', at, [inner]);
    }
    if (!this.#is('-')) return this.#member();
    let count = 0;
    while (this.#accept('-')) count++;
    const { kind } = this.#token;
    if (count === 1 && (kind === 'int' || kind === 'float')) return this.#suffixes(this.#number('-', at));
    const inner = this.#member();
    return count % 2 === 0 ? inner : this.#call('-_', at, [inner]);
  }

  #member(): Expr {
    return this.#suffixes(this.#primary());
  }

  #suffixes(first: Expr): Expr {
    let node = first;
    for (;;) {
      const dot = this.#accept('.');
      if (dot) node = this.#field(node, dot);
      else if (this.#is('[')) {
        const { at } = this.#take();
        const optional = this.#accept('?') !== undefined;
        if (!canStart(this.#token)) throw this.#unexpected(indexStarts);
        const index = this.#expression();
        this.#expect(']');
        node = this.#call(optional ? '_[?_]' : '_[_]', at, [node, index]);
      } else return node;
    }
  }

  #field(operand: Expr, dot: Token): Expr {
    const optional = this.#accept('?');
    const token = this.#token;
    if (token.kind !== 'identifier' && token.kind !== 'quoted')
      throw syntaxError(
        `no viable alternative at input '${optional ? '.?' : '.'}${token.kind === 'end' ? '' : token.text}'`,
        token.at,
      );
    this.#take();
    const name = plainName(token);
    if (optional) {
      const field: Expr = { kind: 'literal', id: this.#nextId(), at: token.at, value: name, type: stringType };
      const call = { kind: 'call', id: this.#nextId(), at: dot.at, name: '_?._', target: undefined } as const;
      return this.#heights.over({ ...call, args: [operand, field] }, 1);
    }
    if (token.kind === 'identifier' && this.#is('(')) {
      const { at } = this.#take();
      return this.#call(name, at, this.#arguments(')'), operand);
    }
    const select = { kind: 'select', id: this.#nextId(), at: dot.at, operand, field: name, test: false } as const;
    return this.#heights.over(select, 1);
  }

  #arguments(close: string): Expr[] {
    const args: Expr[] = [];
    if (this.#accept(close)) return args;
    do args.push(this.#expression());
    while (this.#accept(','));
    this.#expect(close);
    return args;
  }

  #primary(): Expr {
    const token = this.#token;
    switch (token.kind) {
      case 'int':
      case 'uint':
      case 'float':
        return this.#number('', token.at);
      case 'string':
      case 'bytes':
        this.#take();
        return this.#literal(token.value, token.kind === 'string' ? stringType : bytesType, token.at);
      case 'identifier':
        return this.#named('');
      case 'symbol':
        break;
      default:
        throw this.#unexpected(starts);
    }
    if (this.#accept('(')) {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (this.#accept('[')) return this.#list(token.at);
    if (this.#accept('{')) {
      const id = this.#nextId();
      return this.#heights.over({ kind: 'map', id, at: token.at, entries: this.#entries() }, 0);
    }
    if (this.#accept('.')) {
      if (this.#token.kind !== 'identifier') throw this.#unexpected('IDENTIFIER');
      return this.#named('.');
    }
    throw this.#unexpected(starts);
  }

  /** An identifier, a call of a global function, or a message literal. */
  #named(lead: string): Expr {
    const token = this.#take();
    if (lead === '' && (token.text === 'true' || token.text === 'false'))
      return this.#literal(token.text === 'true', boolType, token.at);
    if (lead === '' && token.text === 'null') return this.#literal(null, nullType, token.at);
    if (token.text === 'in') {
      this.#i--;
      throw this.#unexpected(starts);
    }
    if (this.#is('(')) {
      const { at } = this.#take();
      return this.#call(token.text, at, this.#arguments(')'));
    }
    const literal = this.#messageName(token);
    if (literal !== undefined) {
      const { at } = this.#expect('{');
      const id = this.#nextId();
      return this.#heights.over({ kind: 'struct', id, at, name: literal, fields: this.#fields() }, 0);
    }
    if (reserved.has(token.text)) throw new ExpressionError(`reserved identifier: ${token.text}`, token.at);
    return { kind: 'ident', id: this.#nextId(), at: token.at, name: token.text };
  }

  /** `a.b.C` when a `{` follows it; the tokens are then taken. */
  #messageName(first: Token): string | undefined {
    let i = this.#i;
    let name = first.text;
    while (this.#tokens[i]?.text === '.' && this.#tokens[i + 1]?.kind === 'identifier') {
      name += `.${this.#tokens[i + 1]?.text}`;
      i += 2;
    }
    if (this.#tokens[i]?.text !== '{' || this.#tokens[i]?.kind !== 'symbol') return undefined;
    this.#i = i;
    return name;
  }

  #list(at: number): Expr {
    const items: Expr[] = [];
    const optional = new Set<number>();
    while (!this.#is(']')) {
      if (this.#accept('?')) optional.add(items.length);
      items.push(this.#expression());
      if (!this.#accept(',')) break;
    }
    this.#close(']', listEnds);
    return this.#heights.over({ kind: 'list', id: this.#nextId(), at, items, optional }, 0);
  }

  #entries(): Entry[] {
    const entries: Entry[] = [];
    while (!this.#is('}')) {
      const optional = this.#accept('?') !== undefined;
      const key = this.#expression();
      const { at } = this.#expect(':');
      entries.push({ id: this.#nextId(), at, key, value: this.#expression(), optional });
      if (!this.#accept(',')) break;
    }
    this.#close('}', mapEnds);
    return entries;
  }

  #fields(): FieldInit[] {
    const fields: FieldInit[] = [];
    while (!this.#is('}')) {
      const optional = this.#accept('?') !== undefined;
      const token = this.#token;
      if (token.kind !== 'identifier' && token.kind !== 'quoted') throw this.#unexpected("{'}', ',', '?', IDENTIFIER}");
      this.#take();
      const name = plainName(token);
      const { at } = this.#expect(':');
      fields.push({ id: this.#nextId(), at, name, value: this.#expression(), optional });
      if (!this.#accept(',')) break;
    }
    this.#close('}', mapEnds);
    return fields;
  }

  #literal(value: unknown, type: Type, at: number): Expr {
    return { kind: 'literal', id: this.#nextId(), at, value, type };
  }

  #number(sign: string, at: number): Expr {
    const { kind, text } = this.#take();
    if (kind === 'float') return this.#literal(Number(sign + text), doubleType, at);
    const magnitude = BigInt(text.replace(/[uU]$/, ''));
    const value = sign === '-' ? -magnitude : magnitude;
    if (kind === 'uint') {
      if (BigInt.asUintN(64, value) !== value) throw new ExpressionError('invalid uint literal', at);
      return this.#literal(new Uint(value), uintType, at);
    }
    if (BigInt.asIntN(64, value) !== value) throw new ExpressionError('invalid int literal', at);
    return this.#literal(value, intType, at);
  }
}
