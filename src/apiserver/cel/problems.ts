interface LibraryError {
  readonly code?: string;
  readonly summary?: string;
  readonly message: string;
  readonly range?: { readonly start: number; readonly end: number };
}

/** Type names as cel-go writes them: `list(int)`. */
export const typeText = (type: string): string =>
  type
    .replaceAll('<', '(')
    .replaceAll('>', ')')
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replaceAll('google.protobuf.Duration', 'duration');

const anything =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** A problem of the library's in cel-go's words, as far as the two know the same things. */
function detail(error: LibraryError, functions: ReadonlySet<string>): string {
  const text = error.summary ?? error.message;
  switch (error.code) {
    case 'unknown_variable':
      return `undeclared reference to '${text.replace(/^Unknown variable: /, '')}' (in container '')`;
    case 'no_such_key':
      return `undefined field '${text.replace(/^No such key: /, '')}'`;
    case 'cannot_index_type':
      return `type '${typeText(/'(.*)'$/.exec(text)?.[1] ?? '')}' does not support field selection`;
    case 'incompatible_ternary_branches': {
      const [, left = '', right = ''] = /got '(.*)' and '(.*)'$/.exec(text) ?? [];
      return `found no matching overload for '_?_:_' applied to '(bool, ${typeText(left)}, ${typeText(right)})'`;
    }
    case 'no_such_overload': {
      const binary = /^no such overload: (.+?) (==|!=|<=|>=|<|>|\+|-|\*|\/|%|in) (.+)$/.exec(text);
      if (binary) {
        const [, left = '', operator, right = ''] = binary;
        const shown = operator === 'in' ? '@in' : `_${operator}_`;
        return `found no matching overload for '${shown}' applied to '(${typeText(left)}, ${typeText(right)})'`;
      }
      const unary = /^no such overload: ([-!])(.+)$/.exec(text);
      if (unary) return `found no matching overload for '${unary[1]}_' applied to '(${typeText(unary[2] ?? '')})'`;
      return text;
    }
    case 'no_matching_overload': {
      const [, receiver, name = '', args = ''] = /'(?:(.*)\.)?(\w+)\((.*)\)'$/.exec(text) ?? [];
      if (!functions.has(name)) return `undeclared reference to '${name}' (in container '')`;
      const applied = receiver === undefined ? `(${typeText(args)})` : `${typeText(receiver)}.(${typeText(args)})`;
      return `found no matching overload for '${name}' applied to '${applied}'`;
    }
    default:
      if (/^Unexpected token: EOF|got EOF$/.test(text))
        return `Syntax error: mismatched input '<EOF>' expecting ${anything}`;
      return text.startsWith('Syntax') ? text : `Syntax error: ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
  }
}

/** `ERROR: <input>:1:2: …` with the line and a mark under the place, as cel-go prints issues. */
export function compileProblem(error: unknown, text: string, functions: ReadonlySet<string>): string {
  const found = error as LibraryError;
  const place = Math.min(found.range?.start ?? 0, text.length);
  // cel-go shows the dot ahead of a field.
  const at = found.code === 'no_such_key' ? Math.max(text.lastIndexOf('.', place), 0) : place;
  const before = text.slice(0, at).split('\n');
  const column = before.at(-1)?.length ?? 0;
  const line = text.split('\n')[before.length - 1] ?? '';
  return `ERROR: <input>:${before.length}:${column + 1}: ${detail(found, functions)}\n | ${line}\n | ${'.'.repeat(column)}^`;
}

/** What an evaluation failed with, in cel-go's words. */
export function runtimeProblem(error: unknown): string {
  const { code, summary, message } = error as LibraryError;
  const text = summary ?? message;
  switch (code) {
    case 'no_such_key':
      return text.replace(/^No such key/, 'no such key');
    case 'index_out_of_bounds':
      return `index out of bounds: ${/index (-?\d+)/.exec(text)?.[1] ?? ''}`;
    case 'no_such_overload':
    case 'no_matching_overload':
      return 'no such overload';
    default:
      return text;
  }
}
