import { decodeValue, notKinded, parseJson, summary } from '../../api/decode.ts';
import { type GroupVersionKind, parseKind, schemaOf } from '../../api/schema.ts';
import { badRequest, entityTooLarge, isApiError, unsupportedMediaType } from '../../api/status.ts';
import { duplicateFields } from '../../api/strict-json.ts';
import { parseExact } from '../../base/exact-json.ts';
import { decode as decodeProtobuf } from '../../wire/protobuf.ts';
import { goPackage } from '../http/go-type.ts';
import type { Draft, ResourceVersion } from '../registry/types.ts';
import type { Call, CallBody } from './call.ts';
import { type ReadYaml, readYaml } from './yaml-body.ts';
import { mostInTurn, readYamlAside } from './yaml-thread.ts';

const isObject = (value: unknown): value is Draft =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unrecognized = (kind: string, why: string, bytes: Buffer): Error =>
  badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(bytes)})`);

/** JSON is YAML too, and the usual thing to send as YAML. */
function jsonOrYaml(text: string): unknown {
  if (text.trimStart().startsWith('{')) {
    try {
      return parseExact(text);
    } catch {
      // YAML in flow style.
    }
  }
  if (text.length > mostInTurn)
    throw entityTooLarge(`YAML of more than ${mostInTurn} bytes is not read here: send JSON`);
  return readYaml(text).value;
}

/** The value in a body, of whatever encoding it has; `kind` is for messages. */
export function bodyValue(body: CallBody, kind: string): unknown {
  if (body.kind === 'value') return structuredClone(body.value);
  const { bytes } = body;
  switch (body.encoding) {
    case 'json':
      return parseJson(bytes.toString('utf8'), kind);
    case 'yaml':
      try {
        return jsonOrYaml(bytes.toString('utf8'));
      } catch (error) {
        throw isApiError(error) ? error : unrecognized(kind, (error as Error).message, bytes);
      }
    case 'protobuf':
      try {
        return decodeProtobuf(bytes);
      } catch (error) {
        throw unrecognized(kind, (error as Error).message, bytes);
      }
    default:
      throw unsupportedMediaType(
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      );
  }
}

/** What is in a YAML body, however large it is; undefined for the other encodings. */
async function yamlIn(body: CallBody, kind: string): Promise<ReadYaml | undefined> {
  if (body.kind !== 'bytes' || body.encoding !== 'yaml') return undefined;
  try {
    return await readYamlAside(body.bytes.toString('utf8'));
  } catch (error) {
    throw isApiError(error) ? error : unrecognized(kind, (error as Error).message, body.bytes);
  }
}

/** A body that says another kind than its place expects. */
function checkKind(value: Draft, expected: GroupVersionKind, custom: boolean): void {
  const wantedVersion = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  const apiVersion = typeof value.apiVersion === 'string' && value.apiVersion !== '' ? value.apiVersion : wantedVersion;
  const kind = typeof value.kind === 'string' && value.kind !== '' ? value.kind : expected.kind;
  if (apiVersion === wantedVersion && kind === expected.kind && (!custom || value.apiVersion)) return;
  if (custom) {
    // Nothing is filled in for custom resources: they must say what they are.
    if (!value.apiVersion)
      throw badRequest(`the API version in the data () does not match the expected API version (${wantedVersion})`);
    if (apiVersion !== wantedVersion)
      throw badRequest(
        `the API version in the data (${apiVersion}) does not match the expected API version (${wantedVersion})`,
      );
    throw badRequest(`the kind in the data (${kind}) does not match the expected kind (${expected.kind})`);
  }
  const given = parseKind(apiVersion, kind);
  const why = schemaOf(given)
    ? `converting (${given.version}.${kind}) to (${goPackage(expected.group)}.${expected.kind}): unknown conversion`
    : `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`;
  throw badRequest(`${kind} in version "${given.version}" cannot be handled as a ${expected.kind}: ${why}`);
}

/** Fields that stand twice, where decoding by a type does not find them: in YAML and in custom resources. */
function duplicatesIn(body: CallBody, value: unknown, yaml: ReadYaml | undefined, custom: boolean): readonly string[] {
  if (body.kind !== 'bytes') return [];
  if (yaml) return yaml.duplicates === undefined ? [] : [yaml.duplicates];
  if (!custom || body.encoding !== 'json') return [];
  return duplicateFields(body.bytes.toString('utf8'), value);
}

const strictError = 'strict decoding error: ';

/** Decodes with what stands twice told first: by warnings, or under Strict in one refusal with all else. */
function decodeAfter<T>(
  duplicates: readonly string[],
  expected: GroupVersionKind,
  context: Pick<Call['context'], 'fieldValidation' | 'warn'>,
  decode: () => T,
): T {
  if (duplicates.length === 0 || context.fieldValidation === 'Ignore') return decode();
  if (context.fieldValidation === 'Warn') {
    for (const text of duplicates) context.warn(text);
    return decode();
  }
  const found = [...duplicates];
  try {
    decode();
  } catch (error) {
    if (!isApiError(error, 'BadRequest')) throw error;
    const at = error.message.indexOf(strictError);
    if (at < 0) throw error;
    found.push(error.message.slice(at + strictError.length));
  }
  throw badRequest(
    `${expected.kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: ${strictError}${found.join(', ')}`,
  );
}

/**
 * The object that a POST or PUT carries, pruned and checked as `fieldValidation` asks, in canonical form. apiVersion and
 * kind may be left out; others than the place's are refused. `version` is given for custom resources, which bring
 * their own schema.
 */
export async function readObject(call: Call, expected: GroupVersionKind, version?: ResourceVersion): Promise<Draft> {
  const reading = call.body();
  const body = reading instanceof Promise ? await reading : reading;
  const { context } = call;
  const custom = version !== undefined && schemaOf(expected) === undefined;
  const json = body.kind === 'bytes' && body.encoding === 'json';
  const yaml = body.kind === 'bytes' && body.encoding === 'yaml' ? await yamlIn(body, expected.kind) : undefined;
  const value = (yaml ? yaml.value : bodyValue(body, expected.kind)) ?? {};
  if (!isObject(value)) {
    const bytes = body.kind === 'bytes' ? body.bytes : Buffer.alloc(0);
    throw unrecognized(expected.kind, `couldn't get version/kind; json parse error: ${notKinded(value)}`, bytes);
  }
  if (custom && !value.kind && body.kind === 'bytes')
    throw unrecognized(expected.kind, `Object 'Kind' is missing in '${body.bytes.toString('utf8')}'`, body.bytes);
  checkKind(value, expected, custom);
  const duplicates = context.fieldValidation === 'Ignore' ? [] : duplicatesIn(body, value, yaml, custom);
  if (custom) {
    value.apiVersion = `${expected.group}/${expected.version}`;
    value.kind = expected.kind;
    if (!isObject(value.metadata)) value.metadata = {};
    call.requested?.(value);
    return decodeAfter(duplicates, expected, context, () => version.schema.decode(value, context));
  }
  const { fieldValidation } = context;
  const text = json && body.bytes.length > 4 ? body.bytes.toString('utf8') : undefined;
  const { object, warnings } = decodeAfter(duplicates, expected, context, () =>
    decodeValue(expected, value, { fieldValidation, text }),
  );
  for (const text of warnings) context.warn(text);
  object.metadata ??= {};
  call.requested?.(object);
  return object as Draft;
}
