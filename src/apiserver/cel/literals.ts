/** `Object{…}`, `Object.spec{…}` and `JSONPatch{…}`, the message literals of mutations. */
const typeName = /\b(Object(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]*)*|JSONPatch)\s*$/;

const strings = /^(?:[rRbB]{0,2})("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/;

/**
 * Message literals as map literals, which is what they come to without a schema: the type's name goes, field names
 * become quoted keys. Everything else stays as it is.
 */
export function plainLiterals(text: string): string {
  if (!/\b(Object|JSONPatch)\b/.test(text)) return text;
  let result = '';
  /** For every open bracket, whether it is a message's. */
  const open: boolean[] = [];
  let fieldNext = false;
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i);
    const literal = strings.exec(rest);
    const comment = /^\/\/[^\n]*/.exec(rest);
    const word = /^[A-Za-z_][A-Za-z0-9_]*/.exec(rest);
    const char = text[i] ?? '';
    if (literal ?? comment) {
      const [found = ''] = (literal ?? comment) as RegExpExecArray;
      result += found;
      i += found.length;
      if (literal) fieldNext = false;
    } else if (word) {
      const [name] = word;
      result += fieldNext && /^\s*:/.test(rest.slice(name.length)) ? JSON.stringify(unescaped(name)) : name;
      fieldNext = false;
      i += name.length;
    } else {
      i++;
      if (char === '{' && typeName.test(result)) {
        result = `${result.replace(typeName, '')}{`;
        open.push(true);
        fieldNext = true;
        continue;
      }
      result += char;
      if ('{[('.includes(char)) open.push(false);
      else if ('}])'.includes(char)) open.pop();
      if (char === ',') fieldNext = open.at(-1) ?? false;
      else if (!/[\s?]/.test(char)) fieldNext = false;
    }
  }
  return result;
}

const unescaped = (name: string): string =>
  name
    .replaceAll('__dot__', '.')
    .replaceAll('__dash__', '-')
    .replaceAll('__slash__', '/')
    .replaceAll('__underscores__', '__')
    .replace(
      /^__(namespace|in|as|if|for|import|package|return|var|const|function|let|loop|break|continue|else|void|while|true|false|null)__$/,
      '$1',
    );
