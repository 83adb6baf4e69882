import { cannotConvert } from './converter-text.ts';
import { canonicalBase64, canonicalMicroTime, canonicalTime, LiteralError } from './literals.ts';
import { canonicalQuantity, QuantityError } from './quantity.ts';
import { type FieldSchema, namedType, type TypeSchema } from './schema.ts';

/** A value does not fit its type; the message is upstream's. */
export class TypeMismatch extends Error {}

type Struct = Record<string, unknown>;

/** What one walk over a value finds and counts. */
export interface Walk {
  /** Field paths that the type does not know, in the order of the value, as `spec.foo`. */
  unknown: string[];
  /** Object keys met, in all depths; compared with the text's to notice duplicates. */
  keys: number;
  path: (string | number)[];
  /** The innermost struct and the fields down to it, which upstream's type errors name. */
  struct: string;
  fields: string[];
  /** Where there are values of features that are off. */
  dropped: [Struct, string][];
  /** Where there are empty lists that always appear. */
  empties: [Struct, string][];
  /** Whether upstream converts the value from one in memory, and not from JSON: it says otherwise what does not fit. */
  readonly converts: boolean;
}

export const newWalk = (converts = false): Walk => ({
  unknown: [],
  keys: 0,
  path: [],
  struct: '',
  fields: [],
  dropped: [],
  empties: [],
  converts,
});

const maxInt32 = 2n ** 31n;
const maxInt64 = 2n ** 63n;

/**
 * The canonical form of a value of a type: unknown fields gone, nulls read as absent, zero values left out or filled in
 * as upstream writes them, literals normalised. Maps and scalars of `value` are used in the result.
 * Throws TypeMismatch, QuantityError or LiteralError.
 */
export function canonicalValue(type: TypeSchema, value: unknown, goType: string, walk: Walk): unknown {
  switch (type.shape) {
    case 'string':
      return typeof value === 'string' ? value : mismatch(value, goType, walk, type);
    case 'struct':
      return isObject(value) ? canonicalStruct(type, value, walk) : mismatch(value, goType, walk, type);
    case 'map':
      return isObject(value) ? canonicalMap(type, value, walk) : mismatch(value, goType, walk, type);
    case 'list':
      return Array.isArray(value) ? canonicalList(type, value, goType, walk) : mismatch(value, goType, walk, type);
    case 'boolean':
      return typeof value === 'boolean' ? value : mismatch(value, goType, walk, type);
    case 'int32':
      return isInteger(value, maxInt32) ? value : mismatch(value, goType, walk, type);
    case 'int64':
      return isInteger(value, maxInt64) ? value : mismatch(value, goType, walk, type);
    case 'double':
      if (!Number.isFinite(numberIn(value))) mismatch(value, goType, walk, type);
      return typeof value === 'bigint' && goType === 'float64' ? Number(value) : value;
    case 'bytes':
      if (walk.converts) return convertedBytes(value, goType, walk, type);
      return typeof value === 'string' ? canonicalBase64(value) : mismatch(value, goType, walk, type);
    case 'quantity':
      if (typeof value === 'string' || typeof value === 'number') return canonicalQuantity(value);
      if (typeof value === 'bigint') return canonicalQuantity(String(value));
      if (typeof value === 'symbol') return canonicalQuantity(value.description ?? '');
      throw new QuantityError(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    case 'int-or-string':
      if (typeof value === 'string' || isInteger(value, maxInt32)) return value;
      return unreadable(value, 'int32', walk);
    case 'time':
    case 'micro-time':
      if (typeof value !== 'string') return unreadable(value, 'string', walk);
      return type.shape === 'time' ? canonicalTime(value) : canonicalMicroTime(value);
    case 'json-schema':
      return canonicalSchemaOr(type, value, walk);
    case 'any':
      walk.keys += countKeys(value);
      return value;
  }
}

const isObject = (value: unknown): value is Struct =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The number that a value is, as it was parsed or as `parseAsGiven` has it. */
const numberIn = (value: unknown): number => {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'symbol' ? Number(value.description) : Number.NaN;
};

function isInteger(value: unknown, limit: bigint): boolean {
  const isWhole =
    typeof value === 'symbol' ? /^-?\d+$/.test(value.description ?? '') : Number.isInteger(numberIn(value));
  if (!isWhole) return false;
  const whole = typeof value === 'symbol' ? BigInt(value.description ?? '') : (value as number | bigint);
  return whole < limit && whole >= -limit;
}

function canonicalStruct(type: TypeSchema, value: Struct, walk: Walk): Struct {
  const { fields, always } = type;
  const result: Struct = {};
  for (const key in value) {
    walk.keys++;
    const field = fields.get(key);
    const given = value[key];
    if (field === undefined && type.deduced) {
      walk.keys += countKeys(given);
      result[key] = given;
      continue;
    }
    if (field === undefined) {
      walk.unknown.push(pathText(walk.path, key));
      walk.keys += countKeys(given);
      continue;
    }
    if (given === null || given === undefined) continue;
    const kept = canonicalField(type, field, given, walk);
    if (kept === undefined || (field.presence === 'optional' && isZero(kept))) {
      if (typeof kept === 'object') noteEmpty(result, key);
    } else {
      result[key] = kept;
      if (field.dropped || (walk.dropped.length > 0 && isLeftEmpty(field.type, kept))) walk.dropped.push([result, key]);
      else if (Array.isArray(kept) && kept.length === 0 && !keptAsJson(type)) walk.empties.push([result, key]);
    }
  }
  for (const field of always) {
    if (result[field.name] === undefined) result[field.name] = zeroOf(field);
  }
  return result;
}

/** Whether what is dropped of a value is all that it has; of most types something empty stays. */
function isLeftEmpty(type: TypeSchema, value: unknown): boolean {
  if (type.name !== 'io.k8s.api.core.v1.Lifecycle') return false;
  return Object.keys(value as Struct).every((key) => type.fields.get(key)?.dropped);
}

function canonicalField(type: TypeSchema, field: FieldSchema, given: unknown, walk: Walk): unknown {
  const shape = field.type.shape;
  // The usual case, without the bookkeeping for messages.
  if (shape === 'string' && typeof given === 'string') return given;
  const outer = walk.struct;
  walk.struct = type.name;
  walk.path.push(field.name);
  walk.fields.push(field.goPath ?? field.name);
  const kept = canonicalValue(field.type, given, field.goType ?? field.type.goType, walk);
  walk.path.pop();
  walk.fields.pop();
  walk.struct = outer;
  return kept;
}

/** Empty lists are lost in protobuf, in which upstream stores all kinds but these. */
const keptAsJson = ({ name }: TypeSchema): boolean =>
  /^io\.k8s\.(apiextensions-apiserver|kube-aggregator)\./.test(name);

const emptied = new WeakMap<object, Set<string>>();

function noteEmpty(of: object, key: string): void {
  const known = emptied.get(of);
  if (known) known.add(key);
  else emptied.set(of, new Set([key]));
}

/** Whether a field that a decoded object lacks was given as an empty list or map: upstream tells the two apart in messages. */
export const wasEmpty = (of: object | undefined, key: string): boolean =>
  of !== undefined && (emptied.get(of)?.has(key) ?? false);

const isZero = (value: unknown): boolean =>
  value === '' || value === 0 || value === false || (typeof value === 'object' && value !== null && isEmpty(value));

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

/** What upstream writes for a field that always appears. */
function zeroOf(field: FieldSchema): unknown {
  if (field.presence === 'always-null') return null;
  switch (field.type.shape) {
    case 'string':
    case 'bytes':
      return '';
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'int-or-string':
      return 0;
    case 'quantity':
      return '0';
    case 'struct':
      return zeroObject(field.type);
    default:
      return null;
  }
}

/** What upstream's empty object of a type looks like when written out. */
export function zeroObject(type: TypeSchema): Record<string, unknown> {
  const zero: Struct = {};
  for (const field of type.always) zero[field.name] = zeroOf(field);
  return zero;
}

function canonicalMap(type: TypeSchema, value: Struct, walk: Walk): Struct {
  const items = type.items;
  if (!items) return value;
  const plain = items.shape === 'string';
  for (const key in value) {
    walk.keys++;
    const given = value[key];
    if (plain && typeof given === 'string') continue;
    if (given === null) {
      value[key] = zeroItem(items);
      continue;
    }
    walk.path.push(key);
    const kept = canonicalValue(items, given, items.goType, walk);
    walk.path.pop();
    if (kept !== given) value[key] = kept;
  }
  return value;
}

function canonicalList(type: TypeSchema, value: unknown[], goType: string, walk: Walk): unknown[] {
  const items = type.items;
  if (!items) return value;
  const itemType = goType.startsWith('[]') ? goType.slice(2) : items.goType;
  for (let i = 0; i < value.length; i++) {
    const given = value[i];
    if (given === null) {
      value[i] = zeroItem(items);
      continue;
    }
    walk.path.push(i);
    value[i] = canonicalValue(items, given, itemType, walk);
    walk.path.pop();
  }
  return value;
}

function zeroItem(type: TypeSchema): unknown {
  if (type.shape === 'list') return [];
  if (type.shape === 'map') return {};
  const field = { presence: 'always', type } as FieldSchema;
  return zeroOf(field);
}

const jsonSchemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** A schema, or what may stand in its place; upstream leaves anything else out of all but the boolean's place. */
function canonicalSchemaOr(type: TypeSchema, value: unknown, walk: Walk): unknown {
  if (isObject(value)) return canonicalStruct(namedType(jsonSchemaProps), value, walk);
  if (type.name.endsWith('OrBool')) {
    if (typeof value === 'boolean') return value;
    throw new TypeMismatch('boolean or JSON schema expected');
  }
  if (!Array.isArray(value)) return undefined;
  return value.map((item) => (isObject(item) ? canonicalStruct(namedType(jsonSchemaProps), item, walk) : item));
}

/** Object keys in a value of no known type. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const item of value) keys += countKeys(item);
  else for (const key in value) keys += 1 + countKeys((value as Struct)[key]);
  return keys;
}

/** How Go's decoder calls what a value is. */
export function valueWord(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
    case 'string':
      return typeof value;
    case 'symbol':
    case 'bigint':
      return 'number';
    default:
      return 'object';
  }
}

/** Go's converter takes lists of numbers for bytes, too. */
function convertedBytes(value: unknown, goType: string, walk: Walk, type: TypeSchema): string {
  if (Array.isArray(value)) {
    if (!value.every((item) => typeof item === 'number')) throw new TypeMismatch('unrecognized type: uint8');
    return Buffer.from(value).toString('base64');
  }
  if (typeof value !== 'string') return mismatch(value, goType, walk, type);
  try {
    return canonicalBase64(value);
  } catch (error) {
    if (error instanceof LiteralError) throw new LiteralError(`error decoding from json: ${error.message}`);
    throw error;
  }
}

/** The same where a type is asked for: a number that is none of its numbers is shown. */
function wordOf(value: unknown, goType: string): string {
  const word = valueWord(value);
  if (word !== 'number' || !/^(u?int|float)/.test(goType)) return word;
  return `number ${typeof value === 'symbol' ? value.description : value}`;
}

function mismatch(value: unknown, goType: string, walk: Walk, type: TypeSchema): never {
  if (walk.converts) throw new TypeMismatch(cannotConvert(value, valueWord(value), goType, type.shape));
  unreadable(value, goType, walk);
}

/** What Go's decoder of JSON says; of a value that reads itself, the converter says it, too. */
function unreadable(value: unknown, goType: string, walk: Walk): never {
  const place =
    walk.converts || walk.fields.length === 0
      ? 'Go value'
      : `Go struct field ${walk.struct.split('.').at(-1) ?? ''}.${walk.fields.join('.')}`;
  throw new TypeMismatch(`json: cannot unmarshal ${wordOf(value, goType)} into ${place} of type ${goType}`);
}

/** `spec.containers[0].foo`. */
export function pathText(path: readonly (string | number)[], last: string): string {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  return text === '' ? last : `${text}.${last}`;
}

export const isTypeError = (error: unknown): error is Error =>
  error instanceof TypeMismatch || error instanceof QuantityError || error instanceof LiteralError;
