/**
 * Replaces `$(NAME)` by the first of `scopes` that knows NAME; unknown names stay as written and `$$` is one dollar,
 * after upstream's `third_party/forked/golang/expansion`.
 */
export function expand(text: string, ...scopes: readonly ReadonlyMap<string, string>[]): string {
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char !== '$' || at + 1 >= text.length) {
      result += char;
      continue;
    }
    const next = text[at + 1];
    if (next === '$') {
      result += '$';
      at++;
      continue;
    }
    if (next !== '(') {
      result += `$${next}`;
      at++;
      continue;
    }
    const end = text.indexOf(')', at + 2);
    if (end === -1) {
      result += '$(';
      at++;
      continue;
    }
    const name = text.slice(at + 2, end);
    const scope = scopes.find((s) => s.has(name));
    result += scope ? scope.get(name) : `$(${name})`;
    at = end;
  }
  return result;
}
