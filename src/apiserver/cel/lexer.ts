/** A syntax error, or another that is told with its place. */
export class ExpressionError extends Error {
  /** In code points; undefined: the text is empty; `nowhere`: it is about the whole. */
  readonly at: number | undefined;
  constructor(message: string, at: number | undefined) {
    super(message);
    this.at = at;
  }
}

/** The place of what is wrong with a text as a whole. */
export const nowhere = -1;

/** Several problems of one expression. */
export class ExpressionErrors extends Error {
  readonly all: readonly ExpressionError[];
  constructor(all: readonly ExpressionError[]) {
    super(all[0]?.message);
    this.all = all;
  }
}

export const syntaxError = (message: string, at: number | undefined): ExpressionError =>
  new ExpressionError(`Syntax error: ${message}`, at);

export type TokenKind = 'int' | 'uint' | 'float' | 'string' | 'bytes' | 'identifier' | 'quoted' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
  /** Of strings and bytes: what they stand for. */
  readonly value?: string | Buffer;
}

const symbols = [
  '==',
  '!=',
  '<=',
  '>=',
  '&&',
  '||',
  '<',
  '>',
  '+',
  '-',
  '*',
  '/',
  '%',
  '!',
  '?',
  ':',
  '.',
  ',',
  '(',
].concat([')', '[', ']', '{', '}']);

const space = /[ \t\r\n\f]+|\/\/[^\n]*/y;
const number = /(?:0[xX][0-9a-fA-F]+[uU]?|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)[uU]?/y;
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const quoted = /`[a-zA-Z0-9_.\-/ ]+`/y;
const text =
  /([rRbB]{0,2})("""(?:[^\\]|\\[\s\S])*?"""|'''(?:[^\\]|\\[\s\S])*?'''|"(?:[^"\\\n\r]|\\[^\n\r])*"|'(?:[^'\\\n\r]|\\[^\n\r])*')/y;
const rawText = /([rRbB]{1,2})("""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\n\r]*"|'[^'\n\r]*')/y;

const longest = 100_000;

/** What is wrong with an expression is told no further than this, and reading it ends. */
export const mostProblems = 100;

/** From units to the code points in which places are told; asked in rising order. Nearly every text has one for each. */
function placesIn(source: string): (unit: number) => number {
  if (!/[\uD800-\uDFFF]/.test(source)) return (unit) => unit;
  let [known, place] = [0, 0];
  return (unit) => {
    while (known < unit) {
      known += (source.codePointAt(known) ?? 0) > 0xffff ? 2 : 1;
      place++;
    }
    return place;
  };
}

/**
 * Cuts an expression into tokens, the last of which is `end`; what is no token is told and left out. Throws
 * ExpressionError.
 */
export function tokenize(source: string): { tokens: Token[]; problems: ExpressionError[] } {
  // More units than two for each code point there cannot be.
  const size = source.length > longest * 2 ? source.length : [...source].length;
  if (size > longest) {
    throw new ExpressionError(`expression code point size exceeds limit: size: ${size}, limit ${longest}`, 0);
  }
  const place = placesIn(source);
  const tokens: Token[] = [];
  const problems: ExpressionError[] = [];
  let i = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = i;
    return pattern.exec(source);
  };
  while (i < source.length) {
    if (problems.length > mostProblems) throw new ExpressionErrors(problems);
    const at = place(i);
    const between = match(space);
    if (between) {
      i += between[0].length;
      continue;
    }
    const literal = match(rawText)?.[1]?.toLowerCase().includes('r') ? match(rawText) : match(text);
    const odd = literal ? oddEscape(literal) : undefined;
    if (literal && odd !== undefined) {
      problems.push(syntaxError(`token recognition error at: '${literal[0].slice(0, odd)}'`, at));
      i += odd;
      continue;
    }
    if (literal) {
      tokens.push(textToken(literal, at));
      i += literal[0].length;
      continue;
    }
    const digits = match(number);
    if (digits) {
      tokens.push({ kind: numberKind(digits[0]), text: digits[0], at });
      i += digits[0].length;
      continue;
    }
    const word = match(identifier);
    if (word) {
      tokens.push({ kind: 'identifier', text: word[0], at });
      i += word[0].length;
      continue;
    }
    const escaped = match(quoted);
    if (escaped) {
      tokens.push({ kind: 'quoted', text: escaped[0], at });
      i += escaped[0].length;
      continue;
    }
    const symbol = symbols.find((s) => source.startsWith(s, i));
    if (symbol === undefined) {
      const skipped = unrecognized(source, i);
      problems.push(syntaxError(`token recognition error at: '${skipped}'`, at));
      i += skipped.length;
      continue;
    }
    tokens.push({ kind: 'symbol', text: symbol, at });
    i += symbol.length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: place(source.length) });
  return { tokens, problems };
}

/** A text that does not end is unrecognized as a whole, half a symbol with what should have been its other half. */
function unrecognized(source: string, i: number): string {
  const char = source[i] ?? '';
  const line = source.indexOf('\n', i);
  if (char === '"' || char === "'") return source.slice(i, line < 0 ? undefined : line + 1);
  if (char === '&' || char === '|' || char === '=') return source.slice(i, i + 2);
  return String.fromCodePoint(source.codePointAt(i) ?? 0);
}

function numberKind(digits: string): TokenKind {
  if (/[uU]$/.test(digits)) return 'uint';
  return !/^0[xX]/.test(digits) && /[.eE]/.test(digits) ? 'float' : 'int';
}

function textToken([whole, prefix = '', body = '']: RegExpExecArray, at: number): Token {
  const flags = prefix.toLowerCase();
  const quote = body.startsWith('"""') || body.startsWith("'''") ? 3 : 1;
  const inner = body.slice(quote, -quote).replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  const isBytes = flags.includes('b');
  const value = flags.includes('r') ? (isBytes ? Buffer.from(inner) : inner) : unescaped(inner, isBytes, at);
  return { kind: isBytes ? 'bytes' : 'string', text: whole, at, value };
}

const plainEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
};

const escapeSequence =
  /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))/g;

/** Where a text stops being one because of an escape that is none. */
function oddEscape([whole, prefix = '']: RegExpExecArray): number | undefined {
  if (/r/i.test(prefix)) return undefined;
  for (const found of whole.matchAll(escapeSequence)) {
    const other = found[6];
    if (other !== undefined && plainEscapes[other] === undefined) return found.index + found[0].length;
  }
  return undefined;
}

function unescaped(inner: string, isBytes: boolean, at: number): string | Buffer {
  const parts: Buffer[] = [];
  let result = '';
  let from = 0;
  const add = (piece: string): void => {
    if (isBytes) parts.push(Buffer.from(piece));
    else result += piece;
  };
  for (const found of inner.matchAll(escapeSequence)) {
    add(inner.slice(from, found.index));
    from = found.index + found[0].length;
    const [, x, upperX, u, upperU, octal, other] = found;
    const code =
      octal === undefined ? Number.parseInt(x ?? upperX ?? u ?? upperU ?? '', 16) : Number.parseInt(octal, 8);
    if (other !== undefined) {
      const plain = plainEscapes[other];
      add(plain ?? other);
    } else if (isBytes) {
      if (u ?? upperU) throw new ExpressionError('invalid bytes literal', at);
      parts.push(Buffer.from([code]));
    } else if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
      throw new ExpressionError('invalid unicode code point', at);
    } else result += String.fromCodePoint(code);
  }
  add(inner.slice(from));
  return isBytes ? Buffer.concat(parts) : result;
}
