import { additionalOf, isObject, type Schema } from './structural.ts';

const steps = /\.([A-Za-z_][A-Za-z0-9_-]*)|\['((?:[^'\\]|\\.)*)'\]/y;

/**
 * The place that a rule's `fieldPath` names, like `.a.b` or `.labels['x']`, as messages write it; undefined where the
 * schema has no such place. Lists cannot be gone into. Upstream: `ValidFieldPath`.
 */
export function placeOf(schema: Schema, fieldPath: string): string | undefined {
  const found = findPlace(schema, fieldPath);
  return 'wrong' in found ? undefined : found.place;
}

type Place = { place: string; schema: Schema } | { wrong: string };

/** The same, with the schema of the place, or what is wrong with the path. */
export function findPlace(schema: Schema, fieldPath: string): Place {
  const unknown = { wrong: 'does not refer to a valid field' };
  let at: Schema | undefined = schema;
  let place = '';
  let from = 0;
  while (from < fieldPath.length) {
    steps.lastIndex = from;
    const [whole, plain, quoted] = steps.exec(fieldPath) ?? [];
    const [rest = ''] = /^[^.[]+/.exec(fieldPath.slice(from)) ?? [];
    if (rest !== '') return { wrong: `expected [ or . but got: ${rest}` };
    if (whole === undefined || at.type !== 'object') return unknown;
    const name: string = plain ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1');
    const property = at.properties?.[name] as Schema | undefined;
    const additional = additionalOf(at);
    if (property) place += `${place === '' ? '' : '.'}${name}`;
    else if (isObject(additional)) place += `[${name}]`;
    else return unknown;
    at = property ?? (additional as Schema);
    from += whole.length;
  }
  return place === '' ? unknown : { place, schema: at };
}
