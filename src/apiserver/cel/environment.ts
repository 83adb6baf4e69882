import { addAddressLibrary } from './library/addresses.ts';
import { addAuthorizerLibrary } from './library/authorizer.ts';
import { addFormatLibrary } from './library/formats.ts';
import { addListLibraries } from './library/lists.ts';
import { addOptionalLibrary } from './library/optional.ts';
import { addQuantityLibrary } from './library/quantity.ts';
import { addSemverLibrary } from './library/semver.ts';
import { addStandardLibrary } from './library/standard.ts';
import { addStringLibrary } from './library/strings.ts';
import { addTimeLibrary } from './library/times.ts';
import { addUrlLibrary } from './library/urls.ts';
import { boundRegExps } from './regex.ts';
import { parseType, splitArguments, structType, type Type, typeOf } from './types.ts';
import { fits, TypeValue } from './values.ts';

/** One form of a function. */
export interface Overload {
  /** Its declaration without spaces: what tables of costs know it by. */
  readonly id: string;
  readonly member: boolean;
  /** Those of a member begin with what it is asked of. */
  readonly args: readonly Type[];
  readonly result: Type;
  readonly run: (...args: never[]) => unknown;
}

export interface StructFields {
  fieldOf(name: string): Type | undefined;
}

/** What an expression may name: functions, types, constants and variables. A clone adds to its own alone. */
export class Environment {
  readonly #outer: Environment | undefined;
  #bindings = false;
  readonly #functions = new Map<string, Overload[]>();
  readonly #names = new Map<string, { type: Type; value?: unknown }>();
  readonly #opaque = new Set<string>();
  readonly #structs = new Map<string, StructFields>();
  readonly #families = new Map<string, StructFields>();

  constructor(outer?: Environment) {
    this.#outer = outer;
  }

  /** Expressions may say `cel.bind(name, value, …)`. */
  allowBindings(): this {
    this.#bindings = true;
    return this;
  }

  get bindings(): boolean {
    return this.#bindings || (this.#outer?.bindings ?? false);
  }

  clone(): Environment {
    return new Environment(this);
  }

  /**
   * `size(string): int`, `string.size(): int` of a type, or `sets.contains(list<T>, list<T>): bool`, whose first part is
   * no type. `run` gets the values, of a member first what it is asked of.
   */
  registerFunction(declaration: string, run: (...args: never[]) => unknown): this {
    const [, path = '', given = '', result = ''] = /^([^(]+)\((.*)\)\s*:\s*(.+)$/s.exec(declaration) ?? [];
    if (path === '') throw new Error(`no CEL function: ${declaration}`);
    const dot = path.lastIndexOf('.');
    const receiver = dot < 0 ? '' : path.slice(0, dot);
    const member = receiver !== '' && this.#isType(receiver);
    const args = splitArguments(given).map(parseType);
    if (member) args.unshift(parseType(receiver));
    const name = member ? path.slice(dot + 1) : path;
    const id = declaration.replaceAll(/\s/g, '').replace(/:[^:]*$/, '');
    const known = this.#functions.get(name) ?? [];
    known.push({ id, member, args, result: parseType(result), run });
    this.#functions.set(name, known);
    return this;
  }

  #isType(text: string): boolean {
    const plain = text.replace(/<.*$/, '');
    if (plain === 'optional') return text !== plain;
    return this.#opaque.has(plain) || this.lookupName(plain)?.type.kind === 'type';
  }

  /** A type that has functions, and neither fields nor a name in expressions. */
  registerOpaque(name: string): this {
    this.#opaque.add(name);
    return this;
  }

  isOpaque(name: string): boolean {
    return this.#opaque.has(name) || (this.#outer?.isOpaque(name) ?? false);
  }

  /** A struct with fields; `fields` may be asked for them as they are needed. */
  registerType(name: string, fields: Readonly<Record<string, string>> | StructFields = {}): this {
    const asked = fields as Partial<StructFields>;
    const known = fields as Record<string, string>;
    this.#structs.set(
      name,
      typeof asked.fieldOf === 'function'
        ? (asked as StructFields)
        : { fieldOf: (field) => (Object.hasOwn(known, field) ? parseType(known[field] as string) : undefined) },
    );
    this.#names.set(name, { type: typeOf(structType(name)), value: new TypeValue(name) });
    return this;
  }

  /** A struct and all whose names begin with its own and a dot, as they are asked for. */
  registerTypesUnder(name: string, fields: StructFields): this {
    this.registerType(name, fields);
    this.#families.set(name, fields);
    return this;
  }

  registerVariable(name: string, type: string | Type): this {
    this.#names.set(name, { type: typeof type === 'string' ? parseType(type) : type });
    return this;
  }

  registerConstant(name: string, type: Type, value: unknown): this {
    this.#names.set(name, { type, value });
    return this;
  }

  lookupName(name: string): { type: Type; value?: unknown } | undefined {
    const own = this.#names.get(name);
    if (own) return own;
    if (this.#familyOf(name)) return { type: typeOf(structType(name)), value: new TypeValue(name) };
    return this.#outer?.lookupName(name);
  }

  lookupFunction(name: string): readonly Overload[] | undefined {
    const own = this.#functions.get(name);
    const outer = this.#outer?.lookupFunction(name);
    return own && outer ? [...outer, ...own] : (own ?? outer);
  }

  #familyOf(name: string): StructFields | undefined {
    for (const [family, fields] of this.#families) if (name.startsWith(`${family}.`)) return fields;
    return undefined;
  }

  /** A field's type; undefined when the struct is not known, or has no such field. */
  fieldOf(struct: string, field: string): Type | undefined {
    const own = this.#structs.get(struct) ?? this.#familyOf(struct);
    return own ? own.fieldOf(field) : this.#outer?.fieldOf(struct, field);
  }
}

/** The one of some forms that values are for; undefined: none is. */
export function dispatch(overloads: readonly Overload[], values: readonly unknown[]): Overload | undefined {
  return overloads.find(({ args }) => args.length === values.length && args.every((type, i) => fits(values[i], type)));
}

let base: Environment | undefined;

function kubernetes(): Environment {
  if (base) return base;
  boundRegExps();
  base = new Environment();
  for (const name of [
    'bool',
    'bytes',
    'double',
    'int',
    'uint',
    'string',
    'list',
    'map',
    'type',
    'optional_type',
    'net.IP',
    'net.CIDR',
  ])
    base.registerConstant(name, typeOf(parseType(name)), new TypeValue(name));
  base.registerConstant('null_type', typeOf(parseType('null')), new TypeValue('null_type'));
  for (const [name, full] of [
    ['timestamp', 'google.protobuf.Timestamp'],
    ['duration', 'google.protobuf.Duration'],
  ] as const) {
    base.registerConstant(name, typeOf(parseType(name)), new TypeValue(full));
    base.registerConstant(full, typeOf(parseType(name)), new TypeValue(full));
  }
  for (const add of [
    addStandardLibrary,
    addTimeLibrary,
    addOptionalLibrary,
    addStringLibrary,
    addListLibraries,
    addUrlLibrary,
    addFormatLibrary,
    addQuantityLibrary,
    addSemverLibrary,
    addAddressLibrary,
    addAuthorizerLibrary,
  ])
    add(base);
  return base;
}

/** An environment with everything that expressions in Kubernetes may use; variables are the caller's to add. */
export const newEnvironment = (): Environment => kubernetes().clone();
