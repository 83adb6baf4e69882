import { problemsText, typedProblems } from '../../../api/apply/typed-problems.ts';
import { merge, spotOf } from '../../../api/apply/typed-value.ts';
import type { Mutation } from '../../../api/gen/admissionregistration-v1.ts';
import { applyJsonPatch, patchFailure } from '../../../api/patch-json.ts';
import { schemaOf, type TypeSchema } from '../../../api/schema.ts';
import { messageOf } from '../../../base/errors.ts';
import { jsonOf, Message } from '../../cel/values.ts';
import type { AdmissionAttributes, Draft, Registry } from '../../registry/types.ts';
import type { Evaluation } from './evaluation.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function typeOf(registry: Registry, a: AdmissionAttributes): TypeSchema | undefined {
  return schemaOf(a.kind) ?? registry.lookup(a.group, a.version, a.resource)?.version.schema.type;
}

/** Where an apply configuration would replace an atomic list or map as a whole: upstream forbids that. */
function atomics(type: TypeSchema | undefined, value: unknown, path = ''): string[] {
  if (!type || !isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const field = type.fields.get(key);
    const at = `${path}.${key}`;
    if (!field) return [];
    const { type: own } = field;
    if (Array.isArray(item))
      return [
        ...(field.listType === 'atomic' ? [at] : []),
        ...item.flatMap((one, i) => {
          const place = `${at}[${i}]`;
          return own.items?.atomic && isRecord(one) ? [place] : atomics(own.items, one, place);
        }),
      ];
    return isRecord(item) && (field.mapType === 'atomic' || own.atomic) ? [at] : atomics(own, item, at);
  });
}

/** Literals whose names are not those of the places where they stand: nothing checks that before. */
function misnamed(value: unknown, place: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => misnamed(item, place));
  if (!(value instanceof Map)) return [];
  if (!(value instanceof Message)) return [...value.values()].flatMap((item) => misnamed(item, place));
  const name = value.messageName;
  const why = `unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(place)}, which matches field name path from root Object type`;
  return [...(name === place ? [] : [why]), ...[...value].flatMap(([key, item]) => misnamed(item, `${place}.${key}`))];
}

function checkNames(value: unknown): void {
  const problems = value instanceof Message ? misnamed(value, value.messageName) : [];
  if (problems.length > 0) throw new Error(`type mismatch: ${problems.join('\n')}`);
}

function applied(object: Draft, given: unknown, type: TypeSchema | undefined, a: AdmissionAttributes): Draft {
  if (!isRecord(given)) throw new Error(`type mismatch: ApplyConfiguration.expression should evaluate to Object`);
  const { apiVersion, kind } = object as { apiVersion?: string; kind?: string };
  const configuration = { apiVersion, kind, ...given };
  const spot = spotOf(type);
  const problems = type ? typedProblems(spot, configuration) : [];
  if (problems.length > 0)
    throw new Error(`error applying patch: failed to convert patch object to typed object: ${problemsText(problems)}`);
  const whole = atomics(type, given);
  if (whole.length > 0)
    throw new Error(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${whole.join(', ')}`,
    );
  const result = merge(spot, object, configuration) as Draft;
  if (`${result.apiVersion} ${result.kind}` !== `${apiVersion} ${kind}` && apiVersion !== undefined)
    throw new Error(
      `error applying patch: patch (${result.apiVersion}, Kind=${result.kind}) and original object (${a.kind.group}/${a.kind.version}, Kind=${a.kind.kind}) are not of the same gvk`,
    );
  return result;
}

/** The object after one mutation of a policy. Throws with upstream's words when it cannot be had. */
export function mutated(
  registry: Registry,
  object: Draft,
  mutation: Mutation,
  evaluation: Evaluation,
  a: AdmissionAttributes,
): Draft {
  if (mutation.patchType === 'ApplyConfiguration') {
    const given = evaluation.evaluate(mutation.applyConfiguration?.expression ?? '');
    checkNames(given);
    return structuredClone(applied(object, jsonOf(given), typeOf(registry, a), a));
  }
  const given = evaluation.evaluate(mutation.jsonPatch?.expression ?? '');
  if (Array.isArray(given))
    for (const operation of given) if (operation instanceof Map) checkNames(operation.get('value'));
  const operations = jsonOf(given);
  if (!Array.isArray(operations)) throw new Error('type mismatch: JSONPatchType.expression should evaluate to array');
  try {
    return structuredClone(applyJsonPatch(object, operations)) as Draft;
  } catch (error) {
    const failure = patchFailure(error);
    // As upstream: a test that fails says that this patch is not for this object.
    if (failure?.testFailed) return object;
    throw new Error(`JSON Patch: ${failure?.text ?? messageOf(error)}`);
  }
}
