import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type CloudConfig, type Problem, schema } from './schema.ts';
import {
  andTheWhole,
  type Fields,
  fieldOf,
  flagOf,
  type Shape,
  shellWords,
  unknownKey,
  wholeOf,
  wrongFlag,
  wrongName,
  wrongText,
  wrongTogether,
  wrongWhole,
} from './shape.ts';

/** What a text says, as far as it is right, and what is wrong in it. */
export interface Parsed {
  config: CloudConfig;
  problems: Problem[];
}

/** Reads a cloud-config. A value that is not what its key takes is left out and reported; everything else counts. */
export function parseCloudConfig(source: string, content: string): Parsed {
  if (!/^\uFEFF?#!/.test(content)) return parseByShape(source, content, schema) as Parsed;
  const message = 'a script is read as user-data alone: write a cloud-config with run_cmd';
  return { config: {}, problems: [{ source, line: 1, column: 1, key: '', message }] };
}

/** The same for a text that is one key's value alone, as a cloud's `network-config` is; `under` is that key. */
export function parseByShape(
  source: string,
  content: string,
  shape: Shape,
  under = '',
): { config: unknown; problems: Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const problems: Problem[] = [];
  const report = (node: Node | null | undefined, key: string, message: string): undefined => {
    const offset = node?.range?.[0];
    const at = offset === undefined ? undefined : lines.linePos(offset);
    problems.push({ source, ...(at ? { line: at.line, column: at.col } : {}), key, message });
  };
  for (const error of [...document.errors, ...document.warnings])
    report({ range: [error.pos[0], 0, 0] } as Node, '', wrongYaml(error));

  /** The entries of a map by their names. */
  const entriesOf = (map: YAMLMap, key: string): { name: string; path: string; pair: Pair }[] => {
    const entries = new Map<string, { name: string; path: string; pair: Pair }>();
    for (const pair of map.items) {
      const name = nameOf(pair.key);
      const path = key === '' ? name : `${key}.${name}`;
      if (name === '<<') {
        report(pair.key as Node | null, path, 'maps are not merged here: write the keys of the other out');
        continue;
      }
      if (entries.has(name)) report(pair.key as Node | null, path, 'stands here twice; the last one counts');
      entries.set(name, { name, path, pair });
    }
    return [...entries.values()];
  };

  const read = (given: unknown, shape: Shape, key: string): unknown => {
    const node = (isAlias(given) ? given.resolve(document) : given) as Node | null | undefined;
    if (isAlias(given) && node === undefined)
      return report(given, key, `no anchor before it is called ${given.source}`);
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return undefined;
    if (isScalar(node) && notText.test(textOf(node))) return report(node, key, notTextMessage);
    const must = (what: string): undefined => report(node, key, `must be ${what}, not a ${kindOf(node)}`);
    switch (shape.kind) {
      case 'text': {
        if (!isScalar(node)) return must('a text');
        const value = textOf(node);
        const wrong = wrongText(shape, value);
        return wrong === undefined ? value : report(node, key, wrong);
      }
      case 'flag': {
        if (!isScalar(node)) return must('true or false');
        return flagOf(textOf(node)) ?? report(node, key, wrongFlag(textOf(node)));
      }
      case 'whole': {
        if (!isScalar(node)) return must('a number');
        return wholeOf(shape, textOf(node)) ?? report(node, key, wrongWhole(shape, textOf(node)));
      }
      case 'command': {
        if (isScalar(node)) return textOf(node);
        if (!isSeq(node)) return must('a command or a list of its words');
        const bad = node.items.findIndex((item) => !isScalar(item) || item.value === null);
        if (bad >= 0) return report(node.items[bad] as Node, `${key}[${bad}]`, 'must be a word of the command');
        return shellWords(node.items.map(textOf));
      }
      case 'list': {
        if (isSeq(node)) {
          const left = node.items.flatMap((item, index) => {
            if (isScalar(item) && item.value === null) report(item, `${key}[${index}]`, 'is empty, left out');
            const needless = isScalar(item) && shape.needless?.includes(textOf(item));
            const value = needless ? undefined : read(item, shape.items, `${key}[${index}]`);
            return value === undefined ? [] : [{ item: item as Node, value, name: `${key}[${index}]` }];
          });
          const wrong = shape.wrong?.(left.map(({ value }) => String(value))) ?? [];
          for (const { at, message } of wrong) report(left[at]?.item, left[at]?.name ?? key, message);
          const isWrong = (index: number): boolean => wrong.some(({ at, count }) => index >= at && index < at + count);
          return left.flatMap(({ value }, index) => (isWrong(index) ? [] : [value]));
        }
        if (isScalar(node) && shape.items.kind !== 'fields') return asItem(read(node, shape.items, key));
        return must(shape.items.kind === 'fields' ? 'a list of maps' : 'a list of texts');
      }
      case 'map': {
        if (!isMap(node)) return must(shape.values.kind === 'text' ? 'a map of texts' : 'a map');
        const result: Record<string, unknown> = {};
        for (const { name, path, pair } of entriesOf(node, key)) {
          const misnamed = wrongName(shape, name);
          if (misnamed !== undefined) {
            report(pair.key as Node | null, path, misnamed);
            continue;
          }
          const value = read(pair.value, shape.values, path);
          if (value !== undefined) result[name] = value;
          else if (isScalar(pair.value) && pair.value.value === null) {
            const lacks = shape.values.kind === 'fields' ? wrongTogether(shape.values, {}) : undefined;
            if (lacks === undefined) result[name] = emptyOf(shape.values);
            else report(pair.key as Node | null, path, lacks);
          }
        }
        return result;
      }
      case 'fields':
        return readFields(node, shape, key, must);
    }
  };

  const readFields = (node: Node, shape: Fields, key: string, must: (what: string) => undefined): unknown => {
    const result: Record<string, unknown> = {};
    const known = problems.length;
    const spoilt = new Set<string>();
    const positional = shape.positional;
    if (isSeq(node) && positional !== undefined) {
      for (const [index, name] of positional.entries()) {
        const field = shape.fields[name];
        const value = field && read(node.items[index], field, `${key}.${name}`);
        if (value !== undefined) result[name] = value;
      }
    } else if (isMap(node)) {
      for (const { name: given, path, pair } of entriesOf(node, key)) {
        const found = fieldOf(shape, given);
        if (found === undefined) {
          report(pair.key as Node | null, path, unknownKey(given, shape));
          continue;
        }
        const [name, field] = found;
        const before = problems.length;
        const value = read(pair.value, field, path);
        if (value !== undefined) result[name] = beside(result[name], value, name === given);
        else if (problems.length > before) spoilt.add(name);
      }
    } else return must('a map');
    if (problems.length > known && (shape.allOrNothing || shape.required.some((name) => spoilt.has(name)))) {
      for (const problem of problems.slice(known)) problem.message += andTheWhole(key);
      return undefined;
    }
    const wrong = wrongTogether(shape, result);
    return wrong === undefined ? result : report(node, key, wrong);
  };

  return { config: read(document.contents, shape, under) ?? {}, problems };
}

/** What counts of a key and another name of it: of lists and maps both, else the key itself. */
function beside(before: unknown, value: unknown, own: boolean): unknown {
  if (before === undefined) return value;
  if (Array.isArray(before) && Array.isArray(value)) return [...before, ...value];
  if (typeof before === 'object' && typeof value === 'object')
    return own ? { ...before, ...value } : { ...value, ...before };
  return own ? value : before;
}

const asItem = (value: unknown): unknown[] => (value === undefined ? [] : [value]);
const nameOf = (key: unknown): string => String(isScalar(key) ? key.value : key);
const emptyOf = (shape: Shape): unknown => (shape.kind === 'text' ? '' : shape.kind === 'list' ? [] : {});

/** What the YAML itself has wrong, in words that name no function of a program. */
function wrongYaml({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here, which is not read';
  return /stack/i.test(message) ? 'is nested too deeply' : message;
}

/** What a decoder puts in the place of bytes that are no UTF-8, and what no program takes as an argument. */
const notText = /[\0\uFFFD]/;
const notTextMessage = 'has bytes that are no text in UTF-8: write those of a file in base64, with encoding b64';

/** A scalar as it is written: `0600` stays that. */
function textOf(node: unknown): string {
  const { value, source } = node instanceof Scalar ? node : new Scalar('');
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return typeof value === 'string' ? value : (source ?? String(value));
}

function kindOf(node: Node): string {
  if (isMap(node)) return 'map';
  if (isSeq(node)) return 'list';
  if (!isScalar(node)) return 'value of another kind';
  return typeof node.value === 'string' ? 'text' : typeof node.value;
}
