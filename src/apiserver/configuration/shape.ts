import { parse } from 'yaml';
import { messageOf } from '../../base/errors.ts';

/** What a configuration file may hold: strictly these fields, of these kinds. */
export type Shape =
  | 'string'
  | 'boolean'
  | 'number'
  | 'any'
  | { readonly list: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

interface KindName {
  readonly group: string;
  readonly kind: string;
  readonly versions: readonly string[];
}

export interface FileKind extends KindName {
  /** What the same file was called before, and still may be. */
  readonly former?: KindName;
  readonly shape: { readonly fields: Readonly<Record<string, Shape>> };
}

const goKinds: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'bool',
  number: 'number',
  object: 'object',
};

/** Everything that does not fit, as upstream's strict decoder says it. */
function misfits(value: unknown, shape: Shape, path: string, unknown: string[], wrong: string[]): void {
  if (value === null || value === undefined || shape === 'any') return;
  const mistake = (wanted: string): void => {
    const given = Array.isArray(value) ? 'array' : (goKinds[typeof value] ?? typeof value);
    wrong.push(`json: cannot unmarshal ${given} into Go struct field ${path} of type ${wanted}`);
  };
  if (typeof shape === 'string') {
    if (typeof value !== shape) mistake(goKinds[shape] ?? shape);
  } else if ('list' in shape) {
    if (!Array.isArray(value)) mistake('list');
    else for (const [i, item] of value.entries()) misfits(item, shape.list, `${path}[${i}]`, unknown, wrong);
  } else if (typeof value !== 'object' || Array.isArray(value)) {
    mistake('object');
  } else {
    for (const [name, item] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
      const place = path === '' ? name : `${path}.${name}`;
      if (field === undefined) unknown.push(`unknown field ${JSON.stringify(place)}`);
      else misfits(item, field, place, unknown, wrong);
    }
  }
}

/** Fields that nobody knows, and values of another kind. */
export function misfitsOf(value: unknown, shape: Shape): { unknown: string[]; wrong: string[] } {
  const found = { unknown: [] as string[], wrong: [] as string[] };
  misfits(value, shape, '', found.unknown, found.wrong);
  return found;
}

/** Reads a file of one kind, YAML or JSON. Throws Error with what is wrong, worded as upstream does. */
export function readShaped(text: string, file: FileKind): Record<string, unknown> {
  if (text.trim() === '') throw new Error('empty config data');
  let value: unknown;
  try {
    value = parse(text, { uniqueKeys: true });
  } catch (error) {
    throw new Error(`couldn't get version/kind; json parse error: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error("couldn't get version/kind; json parse error: the file holds no object");
  const { apiVersion = '', kind: givenKind = '', ...rest } = value as Record<string, unknown>;
  if (givenKind === '') throw new Error(`Object 'Kind' is missing in '${JSON.stringify(value)}'`);
  if (apiVersion === '') throw new Error(`Object 'apiVersion' is missing in '${JSON.stringify(value)}'`);
  const names = [file, ...(file.former ? [file.former] : [])].filter(({ kind }) => kind === givenKind);
  if (names.length === 0) throw new Error(`expected ${file.kind}, got ${String(givenKind)}`);
  if (!names.some(({ group, versions }) => versions.some((version) => apiVersion === `${group}/${version}`)))
    throw new Error(`no kind "${String(givenKind)}" is registered for version "${String(apiVersion)}"`);
  const { unknown, wrong } = misfitsOf(rest, file.shape);
  if (wrong.length > 0) throw new Error(wrong[0]);
  if (unknown.length > 0) throw new Error(`strict decoding error: ${unknown.join(', ')}`);
  return rest;
}
