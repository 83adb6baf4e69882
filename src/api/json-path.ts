/**
 * The JSON paths of printer columns and `scale` subresources: `.a.b`, `['a']`, `[0]`, `[-1]`, `[*]`, `.*` and filters
 * `[?(@.a=="b")]`. Anything else throws when compiled.
 */
export type JsonPath = (value: unknown) => unknown[];

type Step = (value: unknown) => unknown[];

const children = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
};

const child =
  (name: string): Step =>
  (value) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return [];
    return [(value as Record<string, unknown>)[name]];
  };

const element =
  (at: number): Step =>
  (value) => {
    if (!Array.isArray(value)) return [];
    const found = value.at(at);
    return found === undefined ? [] : [found];
  };

function filter(left: JsonPath, operator: string, right: unknown): Step {
  return (value) =>
    children(value).filter((item) => {
      const [found] = left(item);
      if (operator === '') return found !== undefined;
      if (operator === '==') return found === right;
      if (operator === '!=') return found !== right;
      const [a, b] = [Number(found), Number(right)];
      return operator === '<' ? a < b : operator === '>' ? a > b : operator === '<=' ? a <= b : a >= b;
    });
}

const token =
  /^(?:\.?\['((?:[^'\\]|\\.)*)'\]|\.?\["((?:[^"\\]|\\.)*)"\]|\[(-?\d+)\]|\[(\*)\]|\.(\*)|\.((?:[^.[\]\\]|\\.)+)|\[\?\(@((?:[^=!<>)"'])*)\s*(?:(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[^)]+))?\)\])/;

/** Throws on what is not supported. A leading `$` or braces are allowed. */
export function compileJsonPath(text: string): JsonPath {
  let rest = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^[$@]/, '');
  const steps: Step[] = [];
  while (rest !== '' && rest !== '.') {
    const match = token.exec(rest);
    if (!match) throw new Error(`unsupported JSON path: ${text}`);
    const [all, single, double, at, starIndex, starName, name, left, operator, right] = match;
    const key = single ?? double ?? name;
    if (key !== undefined) steps.push(child(key.replaceAll(/\\(.)/g, '$1')));
    else if (at !== undefined) steps.push(element(Number(at)));
    else if (starIndex ?? starName) steps.push(children);
    else steps.push(filter(compileJsonPath((left ?? '').trim()), operator ?? '', literal(right)));
    rest = rest.slice(all.length);
  }
  return (value) => steps.reduce((found, step) => found.flatMap(step), [value]);
}

function literal(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const quoted = /^(["'])(.*)\1$/.exec(text.trim());
  if (quoted) return quoted[2];
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
