import { escapedClass, namedClass } from './pattern-class.ts';
import { PatternError } from './pattern-error.ts';

/** A pattern as JavaScript has it. */
export interface Translated {
  readonly source: string;
  readonly flags: string;
}

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly U: boolean;
}

const controls: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const assertions: Readonly<Record<string, string>> = { A: '(?:^)', z: '(?:$)', b: '(?:\\b)', B: '(?:\\B)' };

/** Of a repetition of Go's, the most times. */
const mostTimes = 1000;

/**
 * Go's pattern (RE2) in JavaScript's words. Throws PatternError in Go's for what is none. Made of nothing that V8's
 * engine of linear time does not know: no lookaround, and no flags but `m`.
 */
export const translate = (pattern: string): Translated => new Translator(pattern).translate();

class Translator {
  readonly #text: string;
  #at = 0;
  #flags: Flags = { i: false, m: false, s: false, U: false };
  /** Whether `^` and `$` are of lines anywhere; they are then so everywhere, as nothing else is without lookaround. */
  #lines = false;
  readonly #out: string[] = [];
  /** Where in `#out` what a repetition would repeat begins; undefined: there is nothing. */
  #atom: number | undefined;
  readonly #groups: { flags: Flags; from: number }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  translate(): Translated {
    while (this.#at < this.#text.length) this.#next();
    if (this.#groups.length > 0) throw new PatternError('missing closing )', this.#text);
    return { source: this.#out.join(''), flags: this.#lines ? 'm' : '' };
  }

  get #rest(): string {
    return this.#text.slice(this.#at);
  }

  #emit(source: string): void {
    this.#atom = this.#out.length;
    this.#out.push(source);
  }

  #next(): void {
    const char = this.#text[this.#at] ?? '';
    switch (char) {
      case '(':
        this.#open();
        break;
      case ')':
        this.#close();
        break;
      case '|':
        this.#at++;
        this.#out.push('|');
        this.#atom = undefined;
        break;
      case '[': {
        const inside = this.#class();
        this.#emit(`[${inside}]`);
        break;
      }
      case '*':
      case '+':
      case '?':
      case '{':
        this.#repetition();
        break;
      case '\\':
        this.#escape();
        break;
      case '.':
        this.#at++;
        this.#emit(this.#flags.s ? '[\\s\\S]' : '[^\\n]');
        break;
      case '^':
        this.#at++;
        this.#emit('(?:^)');
        break;
      case '$':
        this.#at++;
        this.#emit('(?:$)');
        break;
      default:
        this.#literal(this.#point());
    }
  }

  #point(): number {
    const code = this.#text.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #literal(code: number): void {
    const cases = this.#flags.i ? casesOf(code) : [code];
    this.#emit(
      cases.length > 1 ? `[${cases.map(shown).join('')}]` : code > 0xffff ? `(?:${shown(code)})` : shown(code),
    );
  }

  #open(): void {
    const rest = this.#rest;
    const from = this.#out.length;
    const [capture, name] = /^\(\?P?<([^>]*)>/.exec(rest) ?? [];
    if (capture !== undefined && (name === '' || !/^\w+$/.test(name ?? ''))) {
      throw new PatternError('invalid named capture', capture);
    }
    if (capture === undefined && (/^\(\?P<./s.test(rest) || rest.startsWith('(?<'))) {
      throw new PatternError(
        /^\(\?<[=!]/.test(rest) ? 'invalid or unsupported Perl syntax' : 'invalid named capture',
        rest,
      );
    }
    if (capture === undefined && rest.startsWith('(?')) {
      this.#setFlags(rest);
      return;
    }
    this.#groups.push({ flags: this.#flags, from });
    this.#at += capture?.length ?? 1;
    this.#out.push('(?:');
    this.#atom = undefined;
  }

  #setFlags(rest: string): void {
    const [whole = '', on = '', off, end = ''] = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest) ?? [];
    if (whole === '') {
      const [upTo = rest] = /^\(\?[imsU]*(?:-[imsU]*)?[\s\S]?/u.exec(rest) ?? [];
      throw new PatternError('invalid or unsupported Perl syntax', upTo);
    }
    this.#at += whole.length;
    if (end === ':') {
      this.#groups.push({ flags: this.#flags, from: this.#out.length });
      this.#out.push('(?:');
      this.#atom = undefined;
    }
    const flags = { ...this.#flags };
    for (const flag of on) flags[flag as keyof Flags] = true;
    for (const flag of off ?? '') flags[flag as keyof Flags] = false;
    this.#flags = flags;
    this.#lines ||= flags.m;
  }

  #close(): void {
    const group = this.#groups.pop();
    if (!group) throw new PatternError('unexpected )', this.#text);
    this.#at++;
    this.#flags = group.flags;
    this.#out.push(')');
    this.#atom = group.from;
  }

  #repetition(): void {
    const found = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#rest);
    if (!found) {
      this.#at++;
      this.#emit('\\{');
      return;
    }
    const [whole, least, comma, most] = found;
    const nested = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(this.#rest.slice(whole.length));
    if (least !== undefined) {
      const limits = [least, most || least].map(Number) as [number, number];
      if (Math.max(...limits) > mostTimes || limits[0] > limits[1])
        throw new PatternError('invalid repeat count', whole);
    }
    if (this.#atom === undefined) throw new PatternError('missing argument to repetition operator', whole);
    if (nested) throw new PatternError('invalid nested repetition operator', whole + nested[0]);
    this.#at += whole.length;
    const lazy = whole.length > 1 && whole.endsWith('?');
    const times = least === undefined ? whole.charAt(0) : `{${least}${comma ?? ''}${most ?? ''}}`;
    this.#out.push(`${times}${lazy !== this.#flags.U ? '?' : ''}`);
  }

  #escape(): void {
    const rest = this.#rest;
    const assertion = assertions[rest.charAt(1)];
    if (assertion !== undefined) {
      this.#at += 2;
      this.#emit(assertion);
      return;
    }
    if (rest.startsWith('\\Q')) {
      const [whole, inside = ''] = /^\\Q([\s\S]*?)(?:\\E|$)/.exec(rest) ?? [''];
      for (const char of inside) this.#literal(char.codePointAt(0) ?? 0);
      this.#at += whole.length;
      return;
    }
    const found = escapedClass(rest);
    if (!found) {
      this.#literal(this.#escapedPoint());
      return;
    }
    this.#at += found.length;
    this.#emit(`[${found.inside}]`);
  }

  #escapedPoint(): number {
    const rest = this.#rest;
    if (rest.length === 1) throw new PatternError('trailing backslash at end of expression', '');
    const [octal] = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest) ?? [];
    const [hex, braced, two] = /^\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/.exec(rest) ?? [];
    const [whole = '', char = ''] = /^\\([\s\S])/u.exec(rest) ?? [];
    const code = Number.parseInt(braced ?? two ?? '', 16);
    if (octal !== undefined) {
      this.#at += octal.length;
      return Number.parseInt(octal.slice(1), 8);
    }
    if (hex !== undefined && code <= 0x10ffff) {
      this.#at += hex.length;
      return code;
    }
    this.#at += whole.length;
    const control = Object.hasOwn(controls, char) ? controls[char] : undefined;
    if (control !== undefined) return control;
    if (/^[^0-9A-Za-z]$/.test(char) && char < '\x80') return char.charCodeAt(0);
    throw new PatternError('invalid escape sequence', whole);
  }

  #class(): string {
    const start = this.#at++;
    let inside = '';
    if (this.#text[this.#at] === '^') {
      inside = '^';
      this.#at++;
    }
    for (let first = true; first || this.#text[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#text.length) throw new PatternError('missing closing ]', this.#text.slice(start));
      const rest = this.#rest;
      const found = namedClass(rest) ?? escapedClass(rest);
      if (found) {
        this.#at += found.length;
        inside += found.inside;
      } else inside += this.#range(start);
    }
    this.#at++;
    return inside;
  }

  #range(start: number): string {
    const from = this.#at;
    const low = this.#classPoint(start);
    let high = low;
    if (/^-[^\]]/.test(this.#rest)) {
      this.#at++;
      high = this.#classPoint(start);
    }
    if (high < low) throw new PatternError('invalid character class range', this.#text.slice(from, this.#at));
    return this.#flags.i ? foldedRange(low, high) : rangeText(low, high);
  }

  #classPoint(start: number): number {
    if (this.#at >= this.#text.length) throw new PatternError('missing closing ]', this.#text.slice(start));
    return this.#text[this.#at] === '\\' ? this.#escapedPoint() : this.#point();
  }
}

const shown = (code: number): string => {
  const char = String.fromCodePoint(code);
  if (/^[\^$\\.*+?()[\]{}|/-]$/.test(char)) return char === '-' ? '\\x2d' : `\\${char}`;
  return code < 0x20 ? `\\x${code.toString(16).padStart(2, '0')}` : char;
};

/** What is past the basic plane is known by the halves that its characters are of. */
function rangeText(low: number, high: number): string {
  if (low > 0xffff) return '\\ud800-\\udfff';
  return low === high ? shown(low) : `${shown(low)}-${shown(Math.min(high, 0xffff))}`;
}

/** What Unicode folds together with letters of ASCII. */
const folded: Readonly<Record<string, string>> = { s: '\u017f', k: '\u212a' };

/** A character in both its cases, where each of them is one character. */
function casesOf(code: number): number[] {
  const char = String.fromCodePoint(code);
  const all = [char, char.toLowerCase(), char.toUpperCase()].filter((c) => [...c].length === 1);
  const more = Object.entries(folded).flatMap(([plain, far]) =>
    all.includes(plain) || all.includes(far) ? [plain, plain.toUpperCase(), far] : [],
  );
  return [...new Set([...all, ...more].map((c) => c.codePointAt(0) ?? 0))];
}

/** Ranges that are longer are taken to have both cases. */
const longestFolded = 0x400;

function foldedRange(low: number, high: number): string {
  const more = new Set<number>();
  for (let code = low; code <= Math.min(high, low + longestFolded); code++)
    for (const other of casesOf(code)) if (other < low || other > high) more.add(other);
  return rangeText(low, high) + [...more].map(shown).join('');
}
