import type { Parsed } from './parse.ts';
import { type CloudConfig, type Problem, schema } from './schema.ts';
import {
  andTheWhole,
  type Fields,
  fieldOf,
  flagOf,
  type Shape,
  unknownKey,
  wholeOf,
  wrongFlag,
  wrongName,
  wrongText,
  wrongTogether,
  wrongWhole,
} from './shape.ts';

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
 * `true`, of what is true or false and in maps. Words that are no key of the language are the kernel's, except those that begin with `k3os.`.
 */
export function parseKernelArguments(line: string): Parsed {
  const source = 'kernel command line';
  const config: Record<string, unknown> = {};
  const problems: Problem[] = [];
  const said: Said[] = [];
  for (const { word, column } of wordsOf(line)) {
    const parts = /^((?:[^=[\]]|\[[^\]]*\])+)(?:=([\s\S]*))?$/.exec(word);
    const [, name = word, given] = parts ?? [];
    if (ownArguments.test(name)) continue;
    const [first = '', ...rest] = pathOf(name);
    const own = first === 'k3os';
    // `mount.usr=` is systemd's: only names of several words may differ
    const found = fieldOf({ ...schema, loose: first.includes('_') }, first);
    if (found === undefined) continue;
    const path = [found[0], ...rest];
    const result = parts === null ? 'a bracket is not closed' : put(config, schema, path, given);
    if (typeof result === 'object') {
      Object.assign(config, result.value);
      said.push({ path, column });
    } else if (own || given !== undefined) {
      const problem = { source, line: 1, column, key: name, message: result };
      problems.push(problem);
      said.push({ path, column, problem });
    }
  }
  const isGood = (item: unknown, shape: Fields, at: readonly string[]): boolean => {
    const words = said.filter(({ path }) => at.every((name, index) => path[index] === name));
    const key = `${at.slice(0, -1).join('.')}[${at.at(-1)}]`;
    const wrong = shape.allOrNothing ? words.flatMap(({ problem = [] }) => problem) : [];
    for (const problem of wrong) problem.message += andTheWhole(key);
    if (wrong.length > 0) return false;
    const message = wrongTogether(shape, item as Record<string, unknown>);
    if (message !== undefined) problems.push({ source, line: 1, column: words[0]?.column ?? 1, key, message });
    return message === undefined;
  };
  return { config: withoutBadItems(config, schema, [], isGood) as CloudConfig, problems };
}

/** A word of the language, and what was wrong with it. */
interface Said {
  path: readonly string[];
  column: number;
  problem?: Problem;
}

/** Arguments of k3OS that say how to boot; they are no part of the configuration. */
const ownArguments = /^k3os\.(mode|fallback_mode|debug)$/;

/** `a.b[c.d/e].f` as a, b, c.d/e, f. */
const pathOf = (name: string): string[] =>
  [...name.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);

const needsValue = 'needs a value: write = behind it';

/** The value with `given` where the path leads, or what is wrong with the path or with what is given. */
function put(
  before: unknown,
  shape: Shape,
  path: readonly string[],
  given: string | undefined,
): { value: unknown } | string {
  const [name, ...rest] = path;
  const scalar = (value: unknown, wrong: string): { value: unknown } | string => {
    if (name !== undefined) return 'is one value, not a map';
    return value === undefined ? wrong : { value };
  };
  switch (shape.kind) {
    case 'text': {
      if (given === undefined) return needsValue;
      const wrong = wrongText(shape, given);
      return scalar(wrong === undefined ? given : undefined, wrong ?? '');
    }
    case 'command':
      return scalar(given, needsValue);
    case 'flag':
      return scalar(given === undefined ? true : flagOf(given), wrongFlag(given ?? ''));
    case 'whole':
      return given === undefined ? needsValue : scalar(wholeOf(shape, given), wrongWhole(shape, given));
    case 'list': {
      const items = [...((before ?? []) as unknown[])];
      if (shape.items.kind !== 'fields') {
        if (name !== undefined) return 'is a list: repeat the key';
        const item = put(undefined, shape.items, [], given);
        return typeof item === 'string' ? item : { value: [...items, item.value] };
      }
      const index = /^(0|[1-9]\d*)$/.test(name ?? '') ? Number(name) : Number.NaN;
      if (!(index <= items.length)) return `is a list of maps: write ${items.length} in brackets behind it`;
      const item = put(items[index], shape.items, rest, given);
      if (typeof item === 'string') return item;
      items[index] = item.value;
      return { value: items };
    }
    case 'map': {
      if (name === undefined) return 'is a map: name a key, as in key[name]=value';
      const texts = shape.values.kind === 'text';
      const [key, under] = texts ? [path.join('.'), []] : [name, rest];
      const misnamed = wrongName(shape, key);
      if (misnamed !== undefined) return misnamed;
      const value = texts ? (given ?? 'true') : given;
      const inner = put((before as Record<string, unknown> | undefined)?.[key], shape.values, under, value);
      return typeof inner === 'string' ? inner : { value: { ...((before ?? {}) as object), [key]: inner.value } };
    }
    case 'fields': {
      if (name === undefined) return 'is a map of settings: name one of them';
      const found = fieldOf(shape, name);
      if (found === undefined) return unknownKey(name, shape);
      const [own, field] = found;
      const inner = put((before as Record<string, unknown> | undefined)?.[own], field, rest, given);
      return typeof inner === 'string' ? inner : { value: { ...((before ?? {}) as object), [own]: inner.value } };
    }
  }
}

/** What is left of a value without the items of lists that are no good as a whole, which shows when all words are read. */
function withoutBadItems(
  value: unknown,
  shape: Shape | undefined,
  at: readonly string[],
  isGood: (item: unknown, shape: Fields, at: readonly string[]) => boolean,
): unknown {
  switch (shape?.kind) {
    case 'list': {
      const { items: inner } = shape;
      if (inner.kind !== 'fields') return value;
      return (value as unknown[]).filter((item, index) => isGood(item, inner, [...at, String(index)]));
    }
    case 'map':
    case 'fields':
      return Object.fromEntries(
        Object.entries(value as object).map(([name, inner]) => {
          const of = shape.kind === 'map' ? shape.values : shape.fields[name];
          return [name, withoutBadItems(inner, of, [...at, name], isGood)];
        }),
      );
    default:
      return value;
  }
}
