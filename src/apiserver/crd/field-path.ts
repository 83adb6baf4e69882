import { additionalOf, isObject, type Schema } from './structural.ts';

const steps = /\.([A-Za-z_][A-Za-z0-9_-]*)|\['((?:[^'\\]|\\.)*)'\]/y;

/**
 * The place that a rule's `fieldPath` names, like `.a.b` or `.labels['x']`, as messages write it; undefined where the
 * schema has no such place. Lists cannot be gone into. Upstream: `ValidFieldPath`.
 */
export function placeOf(schema: Schema, fieldPath: string): string | undefined {
  let at: Schema | undefined = schema;
  let place = '';
  let from = 0;
  while (from < fieldPath.length) {
    steps.lastIndex = from;
    const [whole, plain, quoted] = steps.exec(fieldPath) ?? [];
    if (whole === undefined || at.type !== 'object') return undefined;
    const name: string = plain ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1');
    const property = at.properties?.[name] as Schema | undefined;
    const additional = additionalOf(at);
    if (property) place += `${place === '' ? '' : '.'}${name}`;
    else if (isObject(additional) && quoted !== undefined) place += `[${name}]`;
    else return undefined;
    at = property ?? (additional as Schema);
    from += whole.length;
  }
  return place === '' ? undefined : place;
}
