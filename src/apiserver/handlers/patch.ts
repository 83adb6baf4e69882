import { jsonSyntaxError } from '../../api/json-syntax.ts';
import { type GroupVersionKind, parseKind } from '../../api/schema.ts';
import { ApiError, badRequest, invalid, unsupportedMediaType } from '../../api/status.ts';
import { duplicateFields, isAltered, parseAsGiven } from '../../api/strict-json.ts';
import { parseExact } from '../../base/exact-json.ts';
import { isCustom } from '../discovery/model.ts';
import { endpointOf } from '../http/answer.ts';
import { headerOf } from '../http/exchange.ts';
import { negotiate } from '../http/negotiate.ts';
import type { PatchBody } from '../registry/types.ts';
import type { Call, CallBody, StoreHandler } from './call.ts';
import { booleanOf, checkWriteOptions } from './options.ts';
import { unsupportedPatch } from './router-errors.ts';
import { expectedKind, placeOf } from './write.ts';
import { readYamlAside } from './yaml-thread.ts';

const types: Readonly<Record<string, PatchBody['type']>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** A type that is not taken: the router refuses it, or the handler of custom resources, which have no strategic merge. */
function typeOf(contentType: string | undefined, isCustom: boolean): PatchBody['type'] {
  const type = types[(contentType ?? '').split(';')[0]?.trim() ?? ''];
  if (type && !(isCustom && type === 'strategic')) return type;
  if (!isCustom) throw unsupportedPatch();
  const accepted = Object.keys(types).filter((known) => types[known] !== 'strategic');
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

async function patchValue(body: CallBody, type: PatchBody['type'], context: Call['context']): Promise<unknown> {
  if (body.kind === 'value') return structuredClone(body.value);
  const text = body.bytes.toString('utf8');
  if (type === 'apply') {
    if (text.trimStart().startsWith('{')) {
      try {
        return parseExact(text);
      } catch {
        // YAML flow style may still read it.
      }
    }
    try {
      const { value, duplicates } = await readYamlAside(text);
      if (duplicates !== undefined && context.fieldValidation === 'Strict')
        throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${duplicates}`);
      if (duplicates !== undefined && context.fieldValidation === 'Warn') context.warn(duplicates);
      return value;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw badRequest(`error decoding YAML: error converting YAML to JSON: ${(error as Error).message}`);
    }
  }
  try {
    return parseExact(text);
  } catch (error) {
    throw badRequest(`error decoding patch: ${jsonSyntaxError(text) ?? (error as Error).message}`);
  }
}

/** An applied object says its kind, which is the place's. */
function checkApplied(value: unknown, expected: GroupVersionKind): void {
  if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    );
  }
  const { apiVersion = '', kind = '' } = (value ?? {}) as { apiVersion?: string; kind?: string };
  const given = parseKind(apiVersion, kind);
  if (given.group !== expected.group || given.version !== expected.version || kind !== expected.kind)
    throw badRequest(`invalid object type: ${given.group}/${given.version}, Kind=${kind}`);
}

/** What is said of fields that stand twice in a patch that is part of an object. */
function duplicatesIn(body: CallBody, type: PatchBody['type'], value: unknown): string[] {
  if (body.kind !== 'bytes' || (type !== 'merge' && type !== 'strategic')) return [];
  return duplicateFields(body.bytes.toString('utf8'), value);
}

/** A patch of JSON with its numbers as they stand in it, where parsing alters some. */
function asGiven(body: CallBody, type: PatchBody['type']): unknown {
  if (body.kind !== 'bytes' || (type !== 'merge' && type !== 'json')) return undefined;
  const text = body.bytes.toString('utf8');
  return isAltered(text) ? parseAsGiven(text) : undefined;
}

export const patchObject: StoreHandler = async (call, store) => {
  const body = await call.body();
  const type = typeOf(body.contentType, isCustom(store));
  negotiate(headerOf(call.headers, 'accept'), endpointOf(store, call.info));
  checkWriteOptions(call.query, 'PatchOptions');
  const force = booleanOf(call.query, 'force');
  if (type === 'apply') {
    if (!call.query.get('fieldManager'))
      throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
        { reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' },
      ]);
  } else if (force !== undefined)
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      { reason: 'FieldValueForbidden', message: 'Forbidden: may not be specified for non-apply patch', field: 'force' },
    ]);
  const value = await patchValue(body, type, call.context);
  if (typeof value === 'object' && value !== null) call.requested?.(value);
  if (type === 'apply') checkApplied(value, expectedKind(store, call.info.subresource));
  const { stored, created } = await store.patch(
    { context: call.context, place: placeOf(call, store), subresource: call.info.subresource || undefined },
    { type, body: value, asGiven: asGiven(body, type), force, duplicates: duplicatesIn(body, type, value) },
  );
  return { kind: 'stored', status: created ? 201 : 200, stored, store };
};
