import type { StructFields } from '../cel/environment.ts';
import type { Size } from '../cel/size.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listOf,
  mapOf,
  stringType,
  structType,
  type Type,
  timestampType,
} from '../cel/types.ts';
import { escapedName, reservedWords } from '../cel/values.ts';
import { additionalOf, isObject, itemsOf, type Schema } from './structural.ts';

/** The largest request in bytes, which bounds what has no bound of its own. */
const requestBytes = 3 * 1024 * 1024;

/** What the rules of a schema may know of its values. Upstream: `cel/common/schemas.go`. */
export interface Declared {
  readonly type: Type;
  /** The fewest bytes of JSON that a value takes. */
  readonly smallest: number;
  /** How many characters or elements a value has at the most; 0 where it is neither text, list nor map. */
  readonly longest: number;
  /** Fields of an object, by their escaped names. */
  readonly fields?: ReadonlyMap<string, Declared>;
  /** Of a list, or of a map's values. */
  readonly elements?: Declared;
}

const scalar = (type: Type, smallest: number, longest = 0): Declared => ({ type, smallest, longest });
const text = scalar(stringType, 2, requestBytes - 2);
/** Upstream takes keys for having no length. */
const key = scalar(stringType, 2);

/** A schema's type, its structs named from `name` on; undefined: rules cannot see values of it. */
export function declare(schema: Schema, name: string, isResource = false): Declared | undefined {
  const { maxLength } = schema;
  const bounded = maxLength === undefined ? undefined : Math.max(0, Number(maxLength)) * 4;
  if (schema['x-kubernetes-int-or-string']) return scalar(dynType, 1, bounded ?? requestBytes - 2);
  switch (schema.type) {
    case 'array': {
      const items = itemsOf(schema);
      const elements = items && declare(items, `${name}.@idx`, items['x-kubernetes-embedded-resource']);
      if (!elements) return undefined;
      const most = Number(schema.maxItems ?? Math.floor((requestBytes - 2) / (elements.smallest + 1)));
      return { type: listOf(elements.type), smallest: 2, longest: Math.max(0, most), elements };
    }
    case 'object':
      return declareObject(schema, name, isResource);
    case 'string':
      return declareText(schema, bounded);
    case 'boolean':
      return scalar(boolType, 4);
    case 'number':
      return scalar(doubleType, 1);
    case 'integer':
      return scalar(intType, 1);
    default:
      return undefined;
  }
}

function declareText(schema: Schema, bounded: number | undefined): Declared {
  switch (schema.format) {
    case 'byte':
      return scalar(bytesType, 2, Number(schema.maxLength ?? requestBytes - 2));
    case 'duration':
      return scalar(durationType, 3, 32);
    case 'date':
      return scalar(timestampType, 12, 12);
    case 'date-time':
      return scalar(timestampType, 21, 32);
    default:
      break;
  }
  const named = ((schema.enum ?? []) as unknown[]).filter((v) => typeof v === 'string') as string[];
  if (bounded === undefined && named.length > 0) {
    return scalar(stringType, 2, Math.max(...named.map((value) => Buffer.byteLength(value))));
  }
  return scalar(stringType, 2, bounded ?? requestBytes - 2);
}

function declareObject(schema: Schema, name: string, isResource: boolean): Declared | undefined {
  const additional = additionalOf(schema);
  if (isObject(additional)) {
    const values = additional as Schema;
    const elements = declare(values, `${name}.@elem`, values['x-kubernetes-embedded-resource']);
    if (!elements) return undefined;
    const most = Number(schema.maxProperties ?? Math.floor((requestBytes - 2) / (elements.smallest + 6)));
    return { type: mapOf(stringType, elements.type), smallest: 2, longest: Math.max(0, most), elements };
  }
  const fields = new Map<string, Declared>();
  let smallest = 2;
  for (const [key, property] of Object.entries(schema.properties ?? {}) as [string, Schema][]) {
    const escaped = escapedName(key);
    const declared = declare(property, `${name}.${escaped ?? key}`, property['x-kubernetes-embedded-resource']);
    if (!declared) continue;
    if (escaped !== undefined) fields.set(escaped, declared);
    if (schema.required?.includes(key) && property.default === undefined)
      smallest += Buffer.byteLength(key) + declared.smallest + 4;
  }
  if (isResource) addResourceFields(fields, schema, name);
  return { type: structType(name), smallest, longest: 0, fields };
}

/** What every resource has, whatever its schema says. */
function addResourceFields(fields: Map<string, Declared>, schema: Schema, name: string): void {
  const own = (schema.properties ?? {}) as Record<string, Schema>;
  if (own.kind?.type !== 'string') fields.set('kind', text);
  if (own.apiVersion?.type !== 'string') fields.set('apiVersion', text);
  const metadata = own.metadata?.properties as Record<string, Schema> | undefined;
  if (metadata?.name?.type === 'string' && metadata.generateName?.type === 'string') return;
  const names = new Map([
    ['name', text],
    ['generateName', text],
  ]);
  fields.set('metadata', { type: structType(`${name}.metadata`), smallest: 2, longest: 0, fields: names });
}

/** The structs in a declaration, for an environment to know them by their names. */
export function structsIn(declared: Declared, found = new Map<string, StructFields>()): Map<string, StructFields> {
  const { type, fields, elements } = declared;
  if (elements) structsIn(elements, found);
  if (!fields) return found;
  found.set(type.name, { fieldOf: (name) => fields.get(reservedWords.has(name) ? `__${name}__` : name)?.type });
  for (const field of fields.values()) structsIn(field, found);
  return found;
}

/** How long the value at a path from a variable can be. */
export function sizeAt(root: Declared, path: readonly string[]): Size | undefined {
  let at: Declared | undefined = root;
  for (const step of path.slice(1)) {
    if (step === '@keys') at = at.elements ? key : undefined;
    else
      at =
        step === '@items' || step === '@values' ? at.elements : (at.fields?.get(step) ?? at.fields?.get(`__${step}__`));
    if (!at) return undefined;
  }
  return { min: 0, max: at.longest };
}

/** How often a value fits in one request. */
export const mostOccurrences = ({ smallest }: Declared): number => Math.floor(requestBytes / (smallest + 1));
