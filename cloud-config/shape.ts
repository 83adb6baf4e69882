/**
 * What a value of the language may be. `text` takes numbers and booleans too, as YAML reads `1` and `true`; a list takes
 * one item alone as well; `command` is a text for the shell, or a list of words that the shell shall not touch.
 */
export type Shape = Text | Flag | Whole | Command | List | MapOf | Fields;

interface Described {
  readonly doc: string;
}

export interface Text<T extends string = string> extends Described {
  readonly kind: 'text';
  readonly oneOf?: readonly T[];
  /** What the text must match, and how a person would say that. */
  readonly pattern?: RegExp;
  readonly expects?: string;
  /** What no pattern can say. */
  readonly holds?: (value: string) => boolean;
  /** Never shown. */
  readonly secret?: boolean;
}

export interface Flag extends Described {
  readonly kind: 'flag';
}

export interface Whole extends Described {
  readonly kind: 'whole';
  readonly min: number;
  readonly max: number;
}

export interface Command extends Described {
  readonly kind: 'command';
}

export interface List<I extends Shape = Shape> extends Described {
  readonly kind: 'list';
  readonly items: I;
  /** Texts that cloud-init takes as items, and that say here what is so anyway. */
  readonly needless?: readonly string[];
  /** What is wrong with items that are right each by itself; they are left out. */
  readonly wrong?: (items: readonly string[]) => readonly WrongItems[];
}

export interface WrongItems {
  readonly at: number;
  readonly count: number;
  readonly message: string;
}

export interface MapOf<V extends Shape = Shape> extends Described {
  readonly kind: 'map';
  readonly values: V;
  /** What its keys must be. */
  readonly names?: Wording;
}

/** What a text must match, and how a person would say that. */
type Wording = Pick<Text, 'pattern' | 'expects'>;

type FieldShapes = Readonly<Record<string, Shape>>;

export interface Fields<F extends FieldShapes = FieldShapes, R extends string = string> extends Described {
  readonly kind: 'fields';
  readonly fields: F;
  readonly required: readonly R[];
  /** Other names of fields, as cloud-init has them. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Keys that are known elsewhere and do nothing here, with what to do instead. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** A list in the place of the map gives these fields in turn. */
  readonly positional?: readonly string[];
  /** Its names may be written as k3OS takes them too: without their plural, in one word, with capitals. */
  readonly loose?: boolean;
  /** With one wrong value the rest is no good either. */
  readonly allOrNothing?: boolean;
  /** What is wrong with values that are right each by itself. */
  readonly wrong?: (value: Readonly<Record<string, unknown>>) => string | undefined;
}

/** The type of the values that a shape takes. */
export type Of<S> =
  S extends Text<infer T>
    ? T
    : S extends Flag
      ? boolean
      : S extends Whole
        ? number
        : S extends Command
          ? string
          : S extends List<infer I>
            ? Of<I>[]
            : S extends MapOf<infer V>
              ? Record<string, Of<V>>
              : S extends Fields<infer F, infer R>
                ? { [K in keyof F as K extends R ? K : never]: Of<F[K]> } & {
                    [K in keyof F as K extends R ? never : K]?: Of<F[K]>;
                  }
                : never;

export const text = (doc: string, options: Omit<Text, 'kind' | 'doc' | 'oneOf'> = {}): Text => ({
  kind: 'text',
  doc,
  ...options,
});
export const choice = <const T extends string>(doc: string, oneOf: readonly T[]): Text<T> => ({
  kind: 'text',
  doc,
  oneOf,
});
export const flag = (doc: string): Flag => ({ kind: 'flag', doc });
export const whole = (doc: string, min: number, max: number): Whole => ({ kind: 'whole', doc, min, max });
export const command = (doc: string): Command => ({ kind: 'command', doc });
export const list = <I extends Shape>(
  doc: string,
  items: I,
  options: Pick<List, 'needless' | 'wrong'> = {},
): List<I> => ({
  kind: 'list',
  doc,
  items,
  ...options,
});
export const map = <V extends Shape>(doc: string, values: V, names?: Wording): MapOf<V> => ({
  kind: 'map',
  doc,
  values,
  ...(names === undefined ? {} : { names }),
});
export const fields = <F extends FieldShapes, const R extends string = never>(
  doc: string,
  shapes: F,
  options: { required?: readonly R[] } & Pick<
    Fields,
    'aliases' | 'elsewhere' | 'positional' | 'loose' | 'allOrNothing' | 'wrong'
  > = {},
): Fields<F, NoInfer<R>> => ({ kind: 'fields', doc, fields: shapes, ...options, required: options.required ?? [] });

/** What a text is not, in words; undefined where it is right. */
export function wrongText(shape: Text, value: string): string | undefined {
  if (shape.oneOf !== undefined && !shape.oneOf.includes(value))
    return `must be one of ${shape.oneOf.filter((each) => each !== '').join(', ')}, not ${JSON.stringify(value)}${meant(value, shape.oneOf)}`;
  if (shape.pattern?.test(value) === false || shape.holds?.(value) === false)
    return `must be ${shape.expects ?? `like ${shape.pattern?.source}`}, not ${shape.secret ? 'what it is' : JSON.stringify(value.replace(/^(.{40}).{20,}$/s, '$1…'))}`;
  return undefined;
}

/** What is wrong with the name of an entry of a map; undefined where it is right. */
export const wrongName = ({ names }: MapOf, name: string): string | undefined =>
  names?.pattern?.test(name) === false ? `its name must be ${names.expects}, not ${JSON.stringify(name)}` : undefined;

/** What is wrong with values that are right each by itself; undefined where they are right together. */
export function wrongTogether(
  { required, wrong }: Fields,
  value: Readonly<Record<string, unknown>>,
): string | undefined {
  const lacking = required.filter((name) => value[name] === undefined);
  return lacking.length > 0 ? `lacks ${lacking.join(', ')}` : wrong?.(value);
}

/** What is added to what is said of one value where the whole of which it is a part is no good without it. */
export const andTheWhole = (key: string): string => `; ${key} is left out with it`;

const yes = new Set(['true', 'yes', 'on', '1']);
const no = new Set(['false', 'no', 'off', '0']);

/** The flag that a text says; undefined where it says none. */
export function flagOf(value: string): boolean | undefined {
  const lower = value.toLowerCase();
  return yes.has(lower) ? true : no.has(lower) ? false : undefined;
}

/** The number that a text says, where the shape takes it. */
export function wholeOf(shape: Whole, value: string): number | undefined {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return number >= shape.min && number <= shape.max ? number : undefined;
}

export const wrongFlag = (value: string): string => `must be true or false, not ${JSON.stringify(value)}`;
export const wrongWhole = (shape: Whole, value: string): string =>
  `must be a number from ${shape.min} to ${shape.max}, not ${JSON.stringify(value)}`;

/** ` (is x meant?)` where one of the names is near. */
export function meant(name: string, names: readonly string[]): string {
  const lower = name.toLowerCase().replaceAll('-', '_');
  const near = names
    .map((other) => ({ other, far: distance(other.toLowerCase().replaceAll('-', '_'), lower) }))
    .sort((a, b) => a.far - b.far)[0];
  return near === undefined || near.far > Math.max(1, Math.min(3, Math.floor(name.length / 3)))
    ? ''
    : ` (is ${near.other} meant?)`;
}

const own = <T>(map: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;

const inOneWord = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '');

/** The field that a key names, by its own name or another; undefined where there is none. */
export function fieldOf(shape: Fields, given: string): [name: string, field: Shape] | undefined {
  const { fields: known, aliases } = shape;
  const word = inOneWord(given);
  const near =
    shape.loose && own(shape.elsewhere, given) === undefined
      ? Object.keys(known).find((name) => [word, `${word}s`].includes(inOneWord(name)))
      : undefined;
  const name = own(known, given) === undefined ? (own(aliases, given) ?? near ?? given) : given;
  const field = own(known, name);
  return field === undefined ? undefined : [name, field];
}

/** What is wrong with a key that the map does not know. */
export function unknownKey(name: string, { fields: known, aliases = {}, elsewhere }: Fields): string {
  const instead = own(elsewhere, name);
  if (instead !== undefined) return `does nothing here: ${instead}`;
  return `unknown key, left out${meant(name, [...Object.keys(known), ...Object.keys(aliases)])}`;
}

/** A command that is a list of words, as the shell must see it. */
export const shellWords = (words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');

/** How many letters must change to make one word of the other. */
function distance(a: string, b: string): number {
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
