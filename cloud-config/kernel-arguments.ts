import type { Parsed } from './parse.ts';
import { type CloudConfig, type Problem, schema } from './schema.ts';
import { type Fields, flagOf, type Shape, unknownKey, wholeOf, wrongFlag, wrongText, wrongWhole } from './shape.ts';

/** The words of a kernel command line, and where they stand; double quotes keep blanks together, as the kernel has it. */
const wordsOf = (line: string): { word: string; column: number }[] =>
  [...line.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map((match) => ({
    word: match[0].replaceAll('"', ''),
    column: match.index + 1,
  }));

/** The words alone. */
export const splitCommandLine = (line: string): string[] => wordsOf(line).map(({ word }) => word);

/**
 * The configuration in a kernel command line: `hostname=x`, `k3os.token=x`; a list by repeating its key; a map as
 * `k3os.labels[a.b/c]=d` or `k3os.labels.a=d`; lists of maps by number, as `k3os.wifi[0].name=x`; a bare name is
 * `true`. Words that are no key of the language are the kernel's, except those that begin with `k3os.`.
 */
export function parseKernelArguments(line: string): Parsed {
  const source = 'kernel command line';
  const config: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const { word, column } of wordsOf(line)) {
    const [, name = word, given] = /^((?:[^=[\]]|\[[^\]]*\])+)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (ownArguments.test(name)) continue;
    const [first = '', ...rest] = pathOf(name);
    const own = first === 'k3os';
    if (schema.fields[first as keyof typeof schema.fields] === undefined) continue;
    const result = put(config, schema, [first, ...rest], given ?? 'true');
    if (typeof result === 'object') Object.assign(config, result.value);
    else if (own || given !== undefined) problems.push({ source, line: 1, column, key: name, message: result });
  }
  return { config: config as CloudConfig, problems };
}

/** Arguments of k3OS that say how to boot; they are no part of the configuration. */
const ownArguments = /^k3os\.(mode|fallback_mode|debug)$/;

/** `a.b[c.d/e].f` as a, b, c.d/e, f. */
const pathOf = (name: string): string[] =>
  [...name.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);

/** The value with `given` where the path leads, or what is wrong with the path or with what is given. */
function put(before: unknown, shape: Shape, path: readonly string[], given: string): { value: unknown } | string {
  const [name, ...rest] = path;
  const scalar = (value: unknown, wrong: string): { value: unknown } | string => {
    if (name !== undefined) return 'is one value, not a map';
    return value === undefined ? wrong : { value };
  };
  switch (shape.kind) {
    case 'text': {
      const wrong = wrongText(shape, given);
      return scalar(wrong === undefined ? given : undefined, wrong ?? '');
    }
    case 'command':
      return scalar(given, '');
    case 'flag':
      return scalar(flagOf(given), wrongFlag(given));
    case 'whole':
      return scalar(wholeOf(shape, given), wrongWhole(shape, given));
    case 'list': {
      const items = [...((before ?? []) as unknown[])];
      if (shape.items.kind !== 'fields') {
        if (name !== undefined) return 'is a list: repeat the key';
        const item = put(undefined, shape.items, [], given);
        return typeof item === 'string' ? item : { value: [...items, item.value] };
      }
      const index = /^\d+$/.test(name ?? '') ? Number(name) : Number.NaN;
      if (!(index <= items.length)) return `is a list of maps: write ${items.length} in brackets behind it`;
      const item = put(items[index], shape.items, rest, given);
      if (typeof item === 'string') return item;
      items[index] = item.value;
      return { value: items };
    }
    case 'map': {
      if (name === undefined) return 'is a map: name a key, as in key[name]=value';
      const [key, under] = shape.values.kind === 'text' ? [path.join('.'), []] : [name, rest];
      const inner = put((before as Record<string, unknown> | undefined)?.[key], shape.values, under, given);
      return typeof inner === 'string' ? inner : { value: { ...((before ?? {}) as object), [key]: inner.value } };
    }
    case 'fields': {
      if (name === undefined) return 'is a map of settings: name one of them';
      const field = (shape as Fields).fields[name];
      if (field === undefined) return unknownKey(name, shape);
      const inner = put((before as Record<string, unknown> | undefined)?.[name], field, rest, given);
      return typeof inner === 'string' ? inner : { value: { ...((before ?? {}) as object), [name]: inner.value } };
    }
  }
}
