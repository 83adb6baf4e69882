const space = new Set([' ', '\t', '\r', '\n']);
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };

class Failure extends Error {}

const quoted = (char: string): string => {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  const text = JSON.stringify(char);
  return `'${text.slice(1, -1)}'`;
};

/** Reads JSON only to say what is wrong with it, where and as Go says it. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value('looking for beginning of value', 0);
    this.#blank();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
  }

  #char(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw new Failure('unexpected end of JSON input');
    return char;
  }

  #fail(where: string): never {
    const code = this.#text.codePointAt(this.#at) ?? 0;
    // Go looks at bytes: of a longer character it shows the first one.
    const bytes = Buffer.from(String.fromCodePoint(code));
    const shown = bytes.length === 1 ? String.fromCodePoint(code) : String.fromCharCode(bytes[0] ?? 0);
    throw new Failure(`invalid character ${quoted(shown)} ${where}`);
  }

  #blank(): void {
    while (space.has(this.#text[this.#at] ?? '')) this.#at++;
  }

  #value(where: string, depth: number): void {
    this.#blank();
    const char = this.#char();
    const literal = literals[char];
    if (char === '{') this.#object(depth + 1);
    else if (char === '[') this.#array(depth + 1);
    else if (char === '"') this.#string();
    else if (literal !== undefined) this.#literal(literal);
    else if (char === '-' || (char >= '0' && char <= '9')) this.#number();
    else this.#fail(where);
  }

  #object(depth: number): void {
    if (depth > 10_000) throw new Failure('exceeded max depth');
    this.#at++;
    this.#blank();
    if (this.#char() === '}') return void this.#at++;
    for (;;) {
      this.#blank();
      if (this.#char() !== '"') this.#fail('looking for beginning of object key string');
      this.#string();
      this.#blank();
      if (this.#char() !== ':') this.#fail('after object key');
      this.#at++;
      this.#value('looking for beginning of value', depth);
      this.#blank();
      if (this.#char() === '}') return void this.#at++;
      if (this.#char() !== ',') this.#fail('after object key:value pair');
      this.#at++;
    }
  }

  #array(depth: number): void {
    if (depth > 10_000) throw new Failure('exceeded max depth');
    this.#at++;
    this.#blank();
    if (this.#char() === ']') return void this.#at++;
    for (;;) {
      this.#value('looking for beginning of value', depth);
      this.#blank();
      if (this.#char() === ']') return void this.#at++;
      if (this.#char() !== ',') this.#fail('after array element');
      this.#at++;
    }
  }

  #string(): void {
    this.#at++;
    while (this.#char() !== '"') {
      if (this.#char() < ' ') this.#fail('in string literal');
      if (this.#char() === '\\') this.#escape();
      else this.#at++;
    }
    this.#at++;
  }

  #escape(): void {
    this.#at++;
    const unicode = this.#char() === 'u';
    if (!unicode && !'bfnrt\\/"'.includes(this.#char())) this.#fail('in string escape code');
    this.#at++;
    for (let i = 0; unicode && i < 4; i++, this.#at++)
      if (!/[0-9a-fA-F]/.test(this.#char())) this.#fail('in \\u hexadecimal character escape');
  }

  #literal(word: string): void {
    for (const expected of word) {
      if (this.#char() !== expected) this.#fail(`in literal ${word} (expecting '${expected}')`);
      this.#at++;
    }
  }

  #digits(where: string): void {
    if (!/[0-9]/.test(this.#char())) this.#fail(where);
    while (/[0-9]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #number(): void {
    if (this.#char() === '-') this.#at++;
    if (this.#char() === '0') this.#at++;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.#text[this.#at] ?? '')) {
      this.#at++;
      if (/[+-]/.test(this.#char())) this.#at++;
      this.#digits('in exponent of numeric literal');
    }
  }
}

/** What Go's decoder says of a text that is no JSON; undefined when it is. */
export function jsonSyntaxError(text: string): string | undefined {
  try {
    new Scanner(text).document();
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}
