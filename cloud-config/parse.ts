import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type CloudConfig, type Problem, type Shape, schema } from './schema.ts';

/** What a text says, as far as it is right, and what is wrong in it. */
export interface Parsed {
  config: CloudConfig;
  problems: Problem[];
}

/** Reads a cloud-config. A value that is not what its key takes is left out and reported; everything else counts. */
export function parseCloudConfig(source: string, content: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const problems: Problem[] = [];
  const report = (offset: number | undefined, key: string, message: string): void => {
    const at = offset === undefined ? undefined : lines.linePos(offset);
    problems.push({ source, ...(at ? { line: at.line, column: at.col } : {}), key, message });
  };
  for (const error of document.errors) report(error.pos[0], '', error.message);
  const read = (node: unknown, shape: Shape, key: string): unknown => {
    const value = (isAlias(node) ? node.resolve(document) : node) as Node | null | undefined;
    if (value === null || value === undefined || (isScalar(value) && value.value === null)) return undefined;
    const offset = value.range?.[0];
    switch (shape.kind) {
      case 'text': {
        if (isScalar(value))
          return typeof value.value === 'string' ? value.value : (value.source ?? String(value.value));
        return void report(offset, key, `must be a text, not a ${kindOf(value)}`);
      }
      case 'texts': {
        if (isScalar(value)) return [read(value, { kind: 'text' }, key)];
        if (!isSeq(value)) return void report(offset, key, `must be a list of texts, not a ${kindOf(value)}`);
        return value.items.flatMap((item, index) => read(item, { kind: 'text' }, `${key}[${index}]`) ?? []);
      }
      case 'textMap': {
        if (!isMap(value)) return void report(offset, key, `must be a map of texts, not a ${kindOf(value)}`);
        const map: Record<string, unknown> = {};
        for (const pair of value.items) {
          const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
          map[name] = read(pair.value, { kind: 'text' }, `${key}.${name}`) ?? '';
        }
        return map;
      }
      case 'objects': {
        if (!isSeq(value)) return void report(offset, key, `must be a list, not a ${kindOf(value)}`);
        return value.items.flatMap((item, index) => read(item, { ...shape, kind: 'object' }, `${key}[${index}]`) ?? []);
      }
      case 'object': {
        if (!isMap(value)) return void report(offset, key, `must be a map, not a ${kindOf(value)}`);
        const object: Record<string, unknown> = {};
        for (const pair of value.items) {
          if (!isPair(pair)) continue;
          const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
          const path = key === '' ? name : `${key}.${name}`;
          const field = shape.fields[name];
          if (field === undefined) report((pair.key as Node | null)?.range?.[0], path, unknownKey(name, shape.fields));
          else {
            const read_ = read(pair.value, field, path);
            if (read_ !== undefined) object[name] = read_;
          }
        }
        const lacking = (shape.required ?? []).filter((name) => object[name] === undefined);
        if (lacking.length > 0) return void report(offset, key, `lacks ${lacking.join(', ')}`);
        return object;
      }
    }
  };
  return { config: (read(document.contents, schema, '') ?? {}) as CloudConfig, problems };
}

function kindOf(node: Node): string {
  if (isMap(node)) return 'map';
  if (isSeq(node)) return 'list';
  return isScalar(node) ? typeof node.value : 'value of another kind';
}

/** Names the key that was probably meant. */
function unknownKey(name: string, fields: Record<string, Shape>): string {
  const near = Object.keys(fields).find((field) => distance(field, name) <= 2);
  return `unknown key, left out${near === undefined ? '' : ` (is ${near} meant?)`}`;
}

/** How many letters must change to make one word of the other. */
export function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row[j] = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    previous = row;
  }
  return previous[b.length] ?? 0;
}
