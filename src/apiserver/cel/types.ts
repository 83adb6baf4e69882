/** What a CEL value can be, as far as the checker of expressions knows. */
export type Kind =
  | 'bool'
  | 'bytes'
  | 'double'
  | 'int'
  | 'uint'
  | 'string'
  | 'null'
  | 'duration'
  | 'timestamp'
  | 'dyn'
  | 'list'
  | 'map'
  | 'struct'
  | 'opaque'
  | 'type'
  | 'param'
  | 'error';

export interface Type {
  readonly kind: Kind;
  /** Of structs, opaque types and type parameters; otherwise the kind's. */
  readonly name: string;
  readonly params: readonly Type[];
}

const plain = (kind: Kind): Type => ({ kind, name: kind, params: [] });

export const boolType = plain('bool');
export const bytesType = plain('bytes');
export const doubleType = plain('double');
export const intType = plain('int');
export const uintType = plain('uint');
export const stringType = plain('string');
export const nullType = plain('null');
export const durationType = plain('duration');
export const timestampType = plain('timestamp');
export const dynType = plain('dyn');
export const errorType: Type = { kind: 'error', name: '!error!', params: [] };

export const listOf = (items: Type): Type => ({ kind: 'list', name: 'list', params: [items] });
export const mapOf = (keys: Type, values: Type): Type => ({ kind: 'map', name: 'map', params: [keys, values] });
export const structType = (name: string): Type => ({ kind: 'struct', name, params: [] });
export const opaqueType = (name: string, ...params: Type[]): Type => ({ kind: 'opaque', name, params });
export const optionalOf = (value: Type): Type => opaqueType('optional_type', value);
export const typeOf = (of: Type): Type => ({ kind: 'type', name: 'type', params: [of] });
export const paramType = (name: string): Type => ({ kind: 'param', name, params: [] });

export const isOptional = (type: Type): boolean => type.kind === 'opaque' && type.name === 'optional_type';
export const isDynOrError = (type: Type): boolean => type.kind === 'dyn' || type.kind === 'error';

export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.name !== b.name || a.params.length !== b.params.length) return false;
  return a.params.every((param, i) => sameType(param, b.params[i] as Type));
}

/** As messages show a type: `map(string, list(int))`. */
export function typeText(type: Type): string {
  if (type.params.length === 0) return type.name;
  return `${type.name}(${type.params.map(typeText).join(', ')})`;
}

const runtimeNames: Readonly<Record<string, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

/** A type by the name that it has at run time. */
export function runtimeText(type: Type): string {
  if (type.params.length === 0) return runtimeNames[type.kind] ?? type.name;
  return `${type.name}(${type.params.map(runtimeText).join(', ')})`;
}

const builtIn: ReadonlyMap<string, Type> = new Map(
  [boolType, bytesType, doubleType, intType, uintType, stringType, nullType, durationType, timestampType, dynType].map(
    (type) => [type.name, type],
  ),
);

/** Types that are neither structs nor of the language, though their names have dots. */
const opaqueNames: ReadonlySet<string> = new Set(['net.IP', 'net.CIDR']);

/**
 * A type from its text in declarations: `list<T>`, `map<K, V>`, `optional<int>`, `type<T>`, one capital letter as a type
 * parameter, any other name as a struct. `list` and `map` alone are of dyn.
 */
export function parseType(text: string): Type {
  const [, name = '', inner] = /^\s*([\w.$@]+)\s*(?:<(.*)>)?\s*$/s.exec(text) ?? [];
  if (name === '') throw new Error(`no CEL type: ${text}`);
  const params = inner === undefined ? [] : splitArguments(inner).map(parseType);
  const [first = dynType, second = dynType] = params;
  const known = builtIn.get(name);
  if (known) return known;
  if (name === 'list') return listOf(first);
  if (name === 'map') return mapOf(first, second);
  if (name === 'optional') return optionalOf(first);
  if (name === 'type') return typeOf(first);
  if (/^[A-Z]$/.test(name)) return paramType(name);
  return opaqueNames.has(name) ? opaqueType(name) : structType(name);
}

/** `a, map<b, c>` as `['a', 'map<b, c>']`. */
export function splitArguments(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '<') depth++;
    else if (text[i] === '>') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
