import { parse as parseYaml } from 'yaml';
import type { GroupVersionKind } from '../../api/schema.ts';
import { badRequest, unsupportedMediaType } from '../../api/status.ts';
import { decodeCbor } from '../../wire/cbor.ts';
import { decode as decodeProtobuf } from '../../wire/protobuf.ts';
import type { Draft } from '../registry/types.ts';
import type { Call, CallBody } from './call.ts';

const isObject = (value: unknown): value is Draft =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** YAML as JSON data: YAML 1.2 core schema, no anchors' cycles, keys as text. */
export function yamlValue(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 100, logLevel: 'silent', uniqueKeys: true });
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: yaml: ${(error as Error).message.split('\n')[0]}`);
  }
}

function jsonValue(bytes: Buffer, kind: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const text = bytes.length > 300 ? '' : `; json parse error: ${(error as Error).message}`;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind${text}`);
  }
}

/** The value in a body, of whatever encoding it has; `kind` is for messages. */
export function bodyValue(body: CallBody, kind: string): unknown {
  if (body.kind === 'value') return structuredClone(body.value);
  switch (body.encoding) {
    case 'json':
      return jsonValue(body.bytes, kind);
    case 'yaml':
      return yamlValue(body.bytes.toString('utf8'));
    case 'protobuf':
      try {
        return decodeProtobuf(body.bytes);
      } catch (error) {
        throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${(error as Error).message}`);
      }
    case 'cbor':
      return decodeCbor(body.bytes);
    default:
      throw unsupportedMediaType(
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      );
  }
}

/**
 * The object that a POST or PUT carries, with the apiVersion and kind that the place expects (they may be left out).
 * Throws 400 as upstream does for another kind.
 */
export async function readObject(call: Call, expected: GroupVersionKind): Promise<Draft> {
  const body = await call.body();
  const apiVersion = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  const value = bodyValue(body, expected.kind);
  if (!isObject(value))
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): couldn't get version/kind; json parse error`,
    );
  const given = { apiVersion: value.apiVersion || apiVersion, kind: value.kind || expected.kind };
  if (given.kind !== expected.kind)
    throw badRequest(
      `${given.kind} in version "${versionOf(given.apiVersion)}" cannot be handled as a ${expected.kind}`,
    );
  if (given.apiVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${given.apiVersion}) does not match the expected API version (${apiVersion})`,
    );
  value.apiVersion = apiVersion;
  value.kind = expected.kind;
  if (!isObject(value.metadata)) value.metadata = {};
  return value;
}

const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1);
