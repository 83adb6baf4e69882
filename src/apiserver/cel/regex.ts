import { setFlagsFromString } from 'node:v8';

let bounded = false;

/**
 * From here on an expression that backtracks too often is finished by V8's linear-time engine: no pattern that a client
 * gives can hold the process. The engine does not know the `u` flag, so `u` is only for patterns that need it.
 */
export function boundRegExps(): void {
  if (bounded) return;
  bounded = true;
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString('--regexp-backtracks-before-fallback=20000');
}

const compiled = new Map<string, RegExp>();

/** A pattern of Go's (RE2) as JavaScript has it. Throws a SyntaxError for what is none. */
export function goPattern(pattern: string, flags = ''): RegExp {
  const key = `${flags}/${pattern}`;
  let found = compiled.get(key);
  if (!found) {
    boundRegExps();
    const [, inline = '', rest = ''] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(pattern) ?? [];
    const source = rest.replaceAll('(?P<', '(?<').replaceAll('\\A', '^').replaceAll('\\z', '$');
    const unicode = /\\[pP]\{|\\u\{/.test(source) ? 'u' : '';
    found = new RegExp(source, [...new Set(`${flags}${inline}${unicode}`)].join(''));
    if (compiled.size > 2000) compiled.clear();
    compiled.set(key, found);
  }
  return found;
}

/** Why a pattern is none, in Go's words as far as the two know the same things. */
export function patternProblem(pattern: string, error: unknown): string {
  const text = (error as Error).message;
  if (/Unterminated group/.test(text)) return `missing closing ): \`${pattern}\``;
  if (/Unmatched '\)'/.test(text)) return `unexpected ): \`${pattern}\``;
  if (/Unterminated character class/.test(text)) {
    return `missing closing ]: \`${pattern.slice(pattern.lastIndexOf('['))}\``;
  }
  if (/Nothing to repeat/.test(text)) {
    const [operator = ''] = /(?<=^|[(|])[*+?]|[*+?]{2,}/.exec(pattern) ?? [];
    return operator.length > 1
      ? `invalid nested repetition operator: \`${operator}\``
      : `missing argument to repetition operator: \`${operator}\``;
  }
  return text.replace(/^Invalid regular expression: /, '');
}
