import { Document, visit } from 'yaml';
import type { ListMeta } from '../../api/gen/meta-v1.ts';
import { parseKind } from '../../api/schema.ts';
import { encode as encodeProtobuf, hasMessage } from '../../wire/protobuf.ts';
import { foldYaml } from '../../wire/yaml-fold.ts';
import { goQuotes } from '../../wire/yaml-tags.ts';
import { isCustom } from '../discovery/model.ts';
import type { Answer } from '../handlers/call.ts';
import type { ListResult, ResourceStore, Stored } from '../registry/types.ts';
import type { MediaType } from './negotiate.ts';

/** As Go's YAML writes it, but for its long lines: keys in order, lists not indented, texts quoted that YAML 1.1 takes for something else. */
const yamlForm = {
  aliasDuplicateObjects: false,
  sortMapEntries: true,
  indentSeq: false,
  lineWidth: 0,
  version: '1.1' as const,
  customTags: goQuotes,
};

/** What Go writes in double quotes alone: tabs, what is outside of the first 65,536 characters, and spaces at the ends of lines. */
const special = /[\t\ufeff\u{10000}-\u{10ffff}]| \n|\n.* $/su;

const escaped = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16).toUpperCase();
  return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`;
};

/** Go double-quotes what could be written plain but for YAML 1.1 reading it as something else than text; otherwise it prefers single quotes. */
function yamlText(object: object): string {
  const document = new Document(object, yamlForm);
  const isNoText = (text: string): boolean =>
    document.schema.tags.some(
      (tag) => tag.default === true && tag.tag !== 'tag:yaml.org,2002:str' && 'test' in tag && tag.test?.test(text),
    );
  visit(document, {
    Scalar(_key, scalar) {
      const { value } = scalar;
      if (typeof value === 'string' && (isNoText(value) || special.test(value))) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  const text = document.toString({
    singleQuote: true,
    indentSeq: yamlForm.indentSeq,
    lineWidth: yamlForm.lineWidth,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
  return foldYaml(text.replace(/[\ufeff\u{10000}-\u{10ffff}]/gu, escaped));
}

/** JSON as upstream writes it: for reading, or in a line. */
export const jsonText = (object: object, pretty: boolean): string =>
  pretty ? JSON.stringify(object, null, 2) : `${JSON.stringify(object)}\n`;

/** An object with apiVersion and kind as bytes of an encoding. Kinds without a protobuf message fall back to JSON. */
export function encodeObject(type: MediaType, object: object): { type: string; body: Buffer | string } {
  if (type.encoding === 'yaml') return { type: type.type, body: yamlText(object) };
  if (type.encoding === 'protobuf') {
    const { apiVersion, kind } = object as { apiVersion?: string; kind?: string };
    const gvk = parseKind(apiVersion ?? '', kind ?? '');
    if (hasMessage(gvk)) return { type: type.type, body: encodeProtobuf(gvk, object) };
  }
  return { type: 'application/json', body: jsonText(object, type.pretty) };
}

export function listMeta(result: ListResult): ListMeta {
  return {
    resourceVersion: result.resourceVersion,
    ...(result.continue ? { continue: result.continue } : {}),
    ...(result.remainingItemCount ? { remainingItemCount: result.remainingItemCount } : {}),
  };
}

/** apiVersion and kind of a resource's list. */
export function listKind(store: ResourceStore): { apiVersion: string; kind: string } {
  const { definition, version } = store;
  const apiVersion = definition.group === '' ? version.version : `${definition.group}/${version.version}`;
  return { apiVersion, kind: definition.listKind };
}

const brace = Buffer.from('{');
const comma = Buffer.from(',');
const tail = Buffer.from(']}\n');

/** Items of built-in kinds leave out kind and apiVersion: with how much of them to begin later. */
function itemHead(store: ResourceStore): Buffer | undefined {
  if (isCustom(store)) return undefined;
  const { definition, version } = store;
  const apiVersion = definition.group === '' ? version.version : `${definition.group}/${version.version}`;
  return Buffer.from(`${JSON.stringify({ kind: definition.kind, apiVersion }).slice(0, -1)},`);
}

/** A list as JSON: the items' bytes, joined. */
export function listBytes(store: ResourceStore, result: ListResult): Buffer {
  const { apiVersion, kind } = listKind(store);
  const head = JSON.stringify({ kind, apiVersion, metadata: sentMeta(store, result) });
  const parts: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  const { items } = result;
  const skipped = itemHead(store);
  for (let i = 0; i < items.length; i++) {
    if (i > 0) parts.push(comma);
    const { bytes } = items[i] as Stored;
    if (skipped && bytes.subarray(0, skipped.length).equals(skipped)) parts.push(brace, bytes.subarray(skipped.length));
    else parts.push(bytes);
  }
  parts.push(tail);
  return Buffer.concat(parts);
}

/** A list as one value. */
export function listObject(
  store: ResourceStore,
  result: ListResult,
  shown: (item: Stored) => object = ({ object }) => object,
): object {
  return { ...listKind(store), metadata: listMeta(result), items: result.items.map(shown) };
}

/** A list as it is sent: what its items are is said once for all, but of custom resources, which say it each. */
export function sentList(store: ResourceStore, result: ListResult): object {
  const items = result.items.map(({ object: { kind, apiVersion, ...rest } }) =>
    isCustom(store) ? { kind, apiVersion, ...rest } : rest,
  );
  return { ...listKind(store), metadata: sentMeta(store, result), items };
}

/** The object in an answer, a list as `listed` shows it; undefined: there is none, or nobody has it but as bytes. */
export function answeredObject(answer: Answer, listed: typeof listObject): object | undefined {
  switch (answer.kind) {
    case 'stored':
      return answer.stored.object;
    case 'object':
      return answer.object;
    case 'list':
      return listed(answer.store, answer.result);
    default:
      return undefined;
  }
}

/** Lists of custom resources say, too, that they do not go on. */
const sentMeta = (store: ResourceStore, result: ListResult): ListMeta =>
  isCustom(store) ? { continue: '', ...listMeta(result) } : listMeta(result);
