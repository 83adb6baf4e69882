import { PatternError } from './pattern-error.ts';

/** Classes of characters as the inside of JavaScript's brackets. */
const named: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t-\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** What is not in them, where that cannot be said by an escape. */
const complements: Readonly<Record<string, string>> = {
  alnum: '\\x00-\\/:-@\\[-`{-\\uffff',
  alpha: '\\x00-@\\[-`{-\\uffff',
  ascii: '\\x80-\\uffff',
  blank: '\\x00-\\x08\\n-\\x1f!-\\uffff',
  cntrl: ' -~\\x80-\\uffff',
  digit: '\\D',
  graph: '\\x00- \\x7f-\\uffff',
  lower: '\\x00-`{-\\uffff',
  print: '\\x00-\\x1f\\x7f-\\uffff',
  punct: '\\x00- 0-9A-Za-z\\x7f-\\uffff',
  space: '\\x00-\\x08\\x0e-\\x1f!-\\uffff',
  upper: '\\x00-@\\[-\\uffff',
  word: '\\W',
  xdigit: '\\x00-\\/:-@G-`g-\\uffff',
};

/** `[:alpha:]` at the beginning of a text; undefined when it does not begin with one. */
export function namedClass(text: string): { length: number; inside: string } | undefined {
  const [whole = '', not, name = ''] = /^\[:(\^?)(.*?):\]/s.exec(text) ?? [];
  if (whole === '') return undefined;
  const inside = Object.hasOwn(named, name) ? (not === '' ? named : complements)[name] : undefined;
  if (inside === undefined) throw new PatternError('invalid character class range', whole);
  return { length: whole.length, inside };
}

/** Go's white space has no vertical tab, and nothing past ASCII. */
const perl: Readonly<Record<string, string>> = {
  d: '\\d',
  D: '\\D',
  w: '\\w',
  W: '\\W',
  s: '\\t\\n\\f\\r ',
  S: '\\x00-\\x08\\x0b\\x0e-\\x1f!-\\uffff',
};

/** `\w` and `\pL` at the beginning of a text. */
export function escapedClass(text: string): { length: number; inside: string } | undefined {
  const inside = Object.hasOwn(perl, text.charAt(1)) ? perl[text.charAt(1)] : undefined;
  if (inside !== undefined) return { length: 2, inside };
  const [whole = '', letter = '', brace, short] = /^\\([pP])(?:\{([^}]*)\}|(.))/su.exec(text) ?? [];
  if (whole === '') return undefined;
  const given = brace ?? short ?? '';
  const not = given.startsWith('^') !== (letter === 'P');
  const name = given.replace(/^\^/, '');
  for (const property of [name, `Script=${name}`]) {
    const source = `\\${not ? 'P' : 'p'}{${property}}`;
    if (name !== 'Any' && !property.includes('=') && !/^[A-Z][a-z]?$/.test(name)) continue;
    const inside = propertyRanges(source);
    if (inside !== undefined) return { length: whole.length, inside };
  }
  throw new PatternError('invalid character class range', whole);
}

const ranges = new Map<string, string>();

/** The characters of the basic plane that have a property, as ranges; undefined: there is none of this name. */
function propertyRanges(source: string): string | undefined {
  const known = ranges.get(source);
  if (known !== undefined) return known;
  let property: RegExp;
  try {
    property = new RegExp(`^${source}$`, 'u');
  } catch {
    return undefined;
  }
  let inside = '';
  for (let code = 0, from = -1; code <= 0x10000; code++) {
    const has = code <= 0xffff && property.test(String.fromCharCode(code));
    if (has && from < 0) from = code;
    if (has || from < 0) continue;
    inside += `${hexText(from)}-${hexText(code - 1)}`;
    from = -1;
  }
  ranges.set(source, inside);
  return inside;
}

const hexText = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;
