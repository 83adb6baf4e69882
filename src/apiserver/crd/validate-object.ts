import type { CustomResourceSubresourceScale } from '../../api/gen/apiextensions-v1.ts';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { printed } from '../../api/go-text.ts';
import { isQualifiedName } from '../../api/names.ts';
import { doubleText } from '../cel/library/texts.ts';
import type { Draft, Frozen } from '../registry/types.ts';
import { embeddedProblems } from './embedded.ts';
import { listProblems } from './lists.ts';
import { checkRules, hasRules } from './rules.ts';
import { simplePath } from './simple-path.ts';
import type { Json, Schema } from './structural.ts';
import { type Before, validateValue } from './validate-value.ts';

/** What a custom resource is held to besides what holds of all metadata. */
export interface ObjectRules {
  /** Of the whole object, and without what it says of the metadata, which is checked as everybody's is. */
  readonly schema: Schema;
  readonly body: Schema;
  readonly scale: CustomResourceSubresourceScale | undefined;
}

const invalid = (field: string, value: Json, why: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}`,
});

const most = 2 ** 31 - 1;

/** What Go calls a value that is no int64. */
function notInteger(value: Json): string | undefined {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return undefined;
  if (typeof value === 'object') return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
  return { number: 'float64', boolean: 'bool' }[typeof value as string] ?? 'string';
}

function replicasProblems(object: Draft, path: string | undefined): StatusCause[] {
  const value = path ? simplePath(path).get(object) : undefined;
  if (!path || value === undefined) return [];
  const type = notInteger(value);
  if (type !== undefined) {
    const text = typeof value === 'number' ? doubleText(value) : printed(value);
    return [invalid(path, 0, `${path} accessor error: ${text} is of the type ${type}, expected int64`)];
  }
  const replicas = value as number | bigint;
  if (replicas < 0) return [invalid(path, value, 'should be a non-negative integer')];
  return replicas > most ? [invalid(path, value, `should be less than or equal to ${most}`)] : [];
}

const blocking = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const unchecked: StatusCause = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
};

/** What rules have said of values that have not changed since: told as warnings, once. */
const ratcheted = new WeakMap<object, string[]>();

/** Everything but the metadata. What was wrong before and has not been touched is let be. */
export function objectProblems(rules: ObjectRules, object: Draft, old?: Frozen, subresource?: string): StatusCause[] {
  const { schema, body, scale } = rules;
  const causes: StatusCause[] = [];
  const { metadata: _, ...rest } = object;
  if (subresource === 'status') {
    const status = body.properties?.status as Schema | undefined;
    const before: Before | undefined = old && { value: old.status };
    if (status && object.status !== undefined)
      for (const cause of validateValue(object.status, status, '', before))
        causes.push({ ...cause, field: cause.field === '<nil>' ? 'status' : `status.${cause.field}` });
  } else {
    const { metadata: __, ...before } = old ?? {};
    causes.push(...validateValue(rest, body, '', old && { value: before }));
    causes.push(...replicasProblems(object, scale?.specReplicasPath), ...embeddedProblems(rest, body));
  }
  causes.push(...replicasProblems(object, scale?.statusReplicasPath));
  const twice = listProblems(rest, body);
  if (twice.length > 0 && (!old || listProblems(old, body).length === 0)) causes.push(...twice);
  if (!hasRules(schema)) return causes;
  if (causes.some(({ reason }) => blocking.has(reason ?? ''))) return [...causes, unchecked];
  const warnings: string[] = [];
  const onRatcheted = ({ field, message }: StatusCause): void => void warnings.push(`${field}: ${message}`);
  causes.push(...checkRules(object, old, schema, { onRatcheted }));
  if (warnings.length > 0) ratcheted.set(object, warnings);
  return causes;
}

const ownFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

function finalizerWarnings(name: string): string[] {
  const said = (why: string): string => `metadata.finalizers: ${JSON.stringify(name)}: ${why}`;
  const wrong = isQualifiedName(name).map(said);
  if (name.includes('/') || ownFinalizers.has(name)) return wrong;
  const path = name.includes('.') ? ' including a path (/)' : '';
  return [
    ...wrong,
    said(`prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`),
  ];
}

/** What rules have said of the parts of an object that have not changed. */
export function ruleWarnings(object: Draft): string[] {
  const found = ratcheted.get(object) ?? [];
  ratcheted.delete(object);
  return found;
}

/** What a client is told of an object that is valid but unwise. */
export function objectWarnings(object: Draft, old: Frozen | undefined): string[] {
  const before = new Set(old?.metadata.finalizers);
  const added = [...new Set(object.metadata.finalizers)].filter((name) => !before.has(name)).sort();
  return [...ruleWarnings(object), ...added.flatMap(finalizerWarnings)];
}
