import { sameValue } from '../../api/equal.ts';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { goPattern } from '../cel/regex.ts';
import { formatProblem } from './formats.ts';
import { additionalOf, isObject, itemsOf, type Json, type Schema } from './structural.ts';

/** What a value was before, where it can be told which it was. */
export interface Before {
  readonly value: Json;
}

/**
 * Checks a value against a structural schema; the texts are those of upstream's validator (go-openapi, kube-openapi).
 * What is wrong in a part that has not changed since `before` is let be: upstream's CRD validation ratcheting.
 */
export function validateValue(value: Json, schema: Schema, path = '', before?: Before): StatusCause[] {
  const causes: StatusCause[] = [];
  check(value, schema, path, causes, before);
  return causes;
}

const shown = (value: Json): string => {
  if (Array.isArray(value) || isObject(value)) return JSON.stringify(value);
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
};

/** What is no text is quoted as its JSON. */
const quoted = (value: Json): string => JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value));

const cause = (reason: string, field: string, message: string): StatusCause => ({
  reason,
  field: field || '<nil>',
  message,
});
const wrong = (field: string, value: Json, text: string): StatusCause =>
  cause('FieldValueInvalid', field, `Invalid value: ${shown(value)}: ${text}`);

const typeName = (value: Json): string =>
  Array.isArray(value)
    ? 'array'
    : value === null
      ? 'null'
      : typeof value === 'bigint' || Number.isSafeInteger(value)
        ? 'integer'
        : typeof value;

function hasType(value: Json, type: string): boolean {
  const actual = typeName(value);
  return actual === type || (type === 'number' && actual === 'integer');
}

/** By what names a type error calls what is wanted and what is there: where there is a format, by formats. */
function asTyped(value: Json, { type = '', format }: Schema): [wanted: string, given: string] {
  const actual = typeName(value);
  if (!format || actual === 'string' || actual === 'array' || actual === 'null') return [type, actual];
  return [format, { integer: 'int64', number: 'float64' }[actual] ?? ''];
}

const child = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function check(value: Json, schema: Schema, path: string, causes: StatusCause[], before: Before | undefined): void {
  const found = causes.length;
  checkAll(value, schema, path, causes, before);
  if (causes.length > found && before && sameValue(before.value, value)) causes.length = found;
}

function checkAll(value: Json, schema: Schema, path: string, causes: StatusCause[], before: Before | undefined): void {
  if (value === null && schema.nullable) return;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (intOrString) {
    if (!hasType(value, 'integer') && typeof value !== 'string')
      causes.push(wrong(path, typeName(value), `${path} in body must be of type integer,string: "${typeName(value)}"`));
  } else if (schema.type && !hasType(value, schema.type)) {
    const [wanted, given] = asTyped(value, schema);
    causes.push(
      cause(
        'FieldValueTypeInvalid',
        path,
        `Invalid value: "${given}": ${path} in body must be of type ${wanted}: "${given}"`,
      ),
    );
    if (typeof value === 'number') checkRange(value, schema, path, causes);
    checkEnum(value, schema, path, causes);
    return;
  }
  checkEnum(value, schema, path, causes);
  if (typeof value === 'string') checkString(value, schema, path, causes);
  else if (typeof value === 'number' || typeof value === 'bigint') checkNumber(value, schema, path, causes);
  else if (Array.isArray(value)) checkArray(value, schema, path, causes, before);
  else if (isObject(value)) checkObject(value, schema, path, causes, before);
  checkCombinations(value, schema, path, causes);
}

function checkEnum(value: Json, schema: Schema, path: string, causes: StatusCause[]): void {
  const allowed = schema.enum as Json[] | undefined;
  if (!allowed || allowed.some((item) => JSON.stringify(item) === JSON.stringify(value))) return;
  causes.push(
    cause(
      'FieldValueNotSupported',
      path,
      `Unsupported value: ${shown(value)}: supported values: ${allowed.map(quoted).join(', ')}`,
    ),
  );
}

function checkString(value: string, schema: Schema, path: string, causes: StatusCause[]): void {
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength)
    causes.push(
      cause(
        'FieldValueTooLong',
        path,
        `Too long: may not be more than ${schema.maxLength} byte${schema.maxLength === 1 ? '' : 's'}`,
      ),
    );
  if (schema.minLength !== undefined && length < schema.minLength)
    causes.push(wrong(path, value, `${path} in body should be at least ${schema.minLength} chars long`));
  if (schema.pattern !== undefined && !matches(schema.pattern, value))
    causes.push(wrong(path, value, `${path} in body should match '${schema.pattern}'`));
  if (schema.format && formatProblem(schema.format, value))
    causes.push({
      ...wrong(path, value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`),
      reason: 'FieldValueTypeInvalid',
    });
}

/** Go's expressions (RE2) are nearly all JavaScript's; one that is not is taken as matching nothing it could refuse. */
function matches(pattern: string, value: string): boolean {
  try {
    return goPattern(pattern).test(value);
  } catch {
    return true;
  }
}

/** Whether an integer is one that its format has room for. */
function checkRange(value: number | bigint, { type, format }: Schema, path: string, causes: StatusCause[]): void {
  if (type !== 'integer') return;
  const limit = format === 'int32' ? 2n ** 31n : 2n ** 63n;
  if ((typeof value === 'bigint' || Number.isInteger(value)) && value >= -limit && value < limit) return;
  const how = format ? `with format ${format}` : '(default format)';
  causes.push(
    cause('FieldValueInvalid', '', `Invalid value: "": Checked value must be of type integer ${how} in ${path}`),
  );
}

const isMultiple = (value: number | bigint, of: number): boolean =>
  typeof value === 'bigint' && Number.isSafeInteger(of)
    ? value % BigInt(of) === 0n
    : Number.isInteger(Number(value) / of);

function checkNumber(value: number | bigint, schema: Schema, path: string, causes: StatusCause[]): void {
  checkRange(value, schema, path, causes);
  const { maximum, minimum, multipleOf, exclusiveMaximum, exclusiveMinimum } = schema;
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
    causes.push(
      wrong(path, value, `${path} in body should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`),
    );
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
    causes.push(
      wrong(path, value, `${path} in body should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`),
    );
  if (multipleOf !== undefined && !isMultiple(value, multipleOf))
    causes.push(wrong(path, value, `${path} in body should be a multiple of ${multipleOf}`));
}

function checkArray(
  value: Json[],
  schema: Schema,
  path: string,
  causes: StatusCause[],
  before: Before | undefined,
): void {
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    causes.push(
      cause(
        'FieldValueTooMany',
        path,
        `Too many: ${value.length}: must have at most ${schema.maxItems} item${schema.maxItems === 1 ? '' : 's'}`,
      ),
    );
  if (schema.minItems !== undefined && value.length < schema.minItems)
    causes.push(wrong(path, value.length, `${path} in body should have at least ${schema.minItems} items`));
  const items = itemsOf(schema);
  if (!items) return;
  const beforeOf = counterparts(before?.value, schema);
  value.forEach((item, i) => void check(item, items, `${path}[${i}]`, causes, beforeOf(item)));
}

/** Which item a list that is a map by keys had in the place of another; items of other lists have no place. */
function counterparts(old: Json, schema: Schema): (item: Json) => Before | undefined {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys || !Array.isArray(old)) return () => undefined;
  return (item) => {
    const found = isObject(item)
      ? old.find((other) => isObject(other) && keys.every((key) => sameValue(other[key], item[key])))
      : undefined;
    return found === undefined ? undefined : { value: found };
  };
}

function checkObject(
  value: Record<string, Json>,
  schema: Schema,
  path: string,
  causes: StatusCause[],
  before: Before | undefined,
): void {
  const count = Object.keys(value).length;
  if (schema.maxProperties !== undefined && count > schema.maxProperties)
    causes.push(
      cause('FieldValueTooMany', path, `Too many: ${count}: must have at most ${schema.maxProperties} items`),
    );
  if (schema.minProperties !== undefined && count < schema.minProperties)
    causes.push(wrong(path, count, `${path} in body should have at least ${schema.minProperties} properties`));
  const additional = additionalOf(schema);
  const old = isObject(before?.value) ? before.value : undefined;
  for (const [key, item] of Object.entries(value)) {
    const property = schema.properties?.[key] as Schema | undefined;
    const was = old && old[key] !== undefined ? { value: old[key] } : undefined;
    if (property) check(item, property, child(path, key), causes, was);
    else if (isObject(additional)) check(item, additional as Schema, child(path, key), causes, was);
  }
  for (const key of schema.required ?? [])
    if (value[key] === undefined) causes.push(cause('FieldValueRequired', child(path, key), 'Required value'));
}

function checkCombinations(value: Json, schema: Schema, path: string, causes: StatusCause[]): void {
  const fits = (option: Schema): boolean => validateValue(value, option, path).length === 0;
  for (const option of (schema.allOf ?? []) as Schema[]) check(value, option, path, causes, undefined);
  const any = schema.anyOf as Schema[] | undefined;
  if (any && !any.some(fits))
    causes.push(wrong(path, value, `${path} in body must validate at least one schema (anyOf)`));
  const one = schema.oneOf as Schema[] | undefined;
  if (one) {
    const found = one.filter(fits).length;
    if (found !== 1)
      causes.push(
        wrong(
          path,
          value,
          `${path} in body must validate one and only one schema (oneOf). Found ${found === 0 ? 'none' : found} valid${found === 0 ? '' : ' alternatives'}`,
        ),
      );
  }
  const not = schema.not as Schema | undefined;
  if (not && fits(not)) causes.push(wrong(path, value, `${path} in body must not validate the schema (not)`));
}
