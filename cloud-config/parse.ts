import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from 'yaml';
import { type CloudConfig, type Problem, schema } from './schema.ts';
import {
  andTheWhole,
  type Fields,
  flagOf,
  type Shape,
  shellWords,
  unknownKey,
  wholeOf,
  wrongFlag,
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
  return parseByShape(source, content, schema) as Parsed;
}

/** The same for a text that is one key's value alone, as a cloud's `network-config` is; `under` is that key. */
export function parseByShape(
  source: string,
  content: string,
  shape: Shape,
  under = '',
): { config: unknown; problems: Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const problems: Problem[] = [];
  const report = (node: Node | null | undefined, key: string, message: string): undefined => {
    const offset = node?.range?.[0];
    const at = offset === undefined ? undefined : lines.linePos(offset);
    problems.push({ source, ...(at ? { line: at.line, column: at.col } : {}), key, message });
  };
  for (const error of document.errors) report({ range: [error.pos[0], 0, 0] } as Node, '', error.message);

  const read = (given: unknown, shape: Shape, key: string): unknown => {
    const node = (isAlias(given) ? given.resolve(document) : given) as Node | null | undefined;
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return undefined;
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
        if (!isSeq(node) || !node.items.every(isScalar)) return must('a command or a list of its words');
        return shellWords(node.items.map(textOf));
      }
      case 'list': {
        if (isSeq(node))
          return node.items.flatMap((item, index) => asItem(read(item, shape.items, `${key}[${index}]`)));
        if (isScalar(node) && shape.items.kind !== 'fields') return asItem(read(node, shape.items, key));
        return must(shape.items.kind === 'fields' ? 'a list of maps' : 'a list of texts');
      }
      case 'map': {
        if (!isMap(node)) return must(shape.values.kind === 'text' ? 'a map of texts' : 'a map');
        const result: Record<string, unknown> = {};
        for (const pair of node.items) {
          const name = nameOf(pair.key);
          const value = read(pair.value, shape.values, `${key}.${name}`);
          if (value !== undefined) result[name] = value;
          else if (isScalar(pair.value) && pair.value.value === null) result[name] = emptyOf(shape.values);
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
    const positional = shape.positional;
    if (isSeq(node) && positional !== undefined) {
      for (const [index, name] of positional.entries()) {
        const field = shape.fields[name];
        const value = field && read(node.items[index], field, `${key}.${name}`);
        if (value !== undefined) result[name] = value;
      }
    } else if (isMap(node)) {
      for (const pair of node.items) {
        if (!isPair(pair)) continue;
        const given = nameOf(pair.key);
        const path = key === '' ? given : `${key}.${given}`;
        const name = shape.fields[given] === undefined ? (shape.aliases?.[given] ?? given) : given;
        const field = shape.fields[name];
        if (field === undefined) {
          report(pair.key as Node | null, path, unknownKey(given, shape));
          continue;
        }
        const value = read(pair.value, field, path);
        const before = result[name];
        // an alias beside its own key: of lists both count, else the key itself
        if (value === undefined || (before !== undefined && name !== given && !Array.isArray(before))) continue;
        result[name] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
      }
    } else return must('a map');
    if (shape.allOrNothing && problems.length > known) {
      for (const problem of problems.slice(known)) problem.message += andTheWhole(key);
      return undefined;
    }
    const wrong = wrongTogether(shape, result);
    return wrong === undefined ? result : report(node, key, wrong);
  };

  return { config: read(document.contents, shape, under) ?? {}, problems };
}

const asItem = (value: unknown): unknown[] => (value === undefined ? [] : [value]);
const nameOf = (key: unknown): string => String(isScalar(key) ? key.value : key);
const emptyOf = (shape: Shape): unknown => (shape.kind === 'text' ? '' : shape.kind === 'list' ? [] : {});

/** A scalar as it is written: `0600` stays that. */
function textOf(node: unknown): string {
  const { value, source } = node instanceof Scalar ? node : new Scalar('');
  return typeof value === 'string' ? value : (source ?? String(value));
}

function kindOf(node: Node): string {
  if (isMap(node)) return 'map';
  if (isSeq(node)) return 'list';
  return isScalar(node) ? typeof node.value : 'value of another kind';
}
