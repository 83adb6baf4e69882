import { apiVersionOf } from '../../../api/object.ts';
import { schemaOf } from '../../../api/schema.ts';
import { internalError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import { goPackage } from '../../http/go-type.ts';
import { convertTo } from '../../registry/convert.ts';
import type { AdmissionAttributes, Draft, Frozen, Maybe, Registry, ResourceDefinition } from '../../registry/types.ts';

/** A resource by another name: in another version, or in the other group that shows the same objects. */
export interface Equivalent {
  readonly group: string;
  readonly version: string;
  readonly definition: ResourceDefinition;
}

const events = ['', 'events.k8s.io'];

/** The other names of what a request is for. */
export function equivalentsOf(registry: Registry, { group, version, resource }: AdmissionAttributes): Equivalent[] {
  const groups = resource === 'events' && events.includes(group) ? events : [group];
  return groups
    .flatMap((name) => registry.definitions().filter((d) => d.group === name && d.resource === resource))
    .flatMap((definition) =>
      definition.versions
        .filter((v) => v.served)
        .map((v) => ({ group: definition.group, version: v.version, definition })),
    )
    .filter((other) => other.group !== group || other.version !== version);
}

/** The request as it would have been under another name. Objects are converted copies. */
export async function asEquivalent(a: AdmissionAttributes, to: Equivalent): Promise<AdmissionAttributes> {
  const { group, version, definition } = to;
  // Views in a kind of their own (scale) are the same in all versions.
  const isOwn = a.kind.group === a.group && a.kind.version === a.version;
  const kind = isOwn ? { group, version, kind: a.kind.kind } : a.kind;
  const shown = (object: Draft | Frozen | undefined): Maybe<Draft | undefined> =>
    object && isOwn ? convertTo(definition, structuredClone(object) as Draft, kind) : (object as Draft | undefined);
  const [object, oldObject] = await Promise.all([shown(a.object), shown(a.oldObject)]);
  return { ...a, group, version, kind, object, oldObject, asked: a };
}

/** What a webhook made of an equivalent's object, back under the request's own name. */
export function asAsked(a: AdmissionAttributes, { definition }: Equivalent, object: Draft): Maybe<Draft> {
  return a.kind.group === a.group && a.kind.version === a.version ? convertTo(definition, object, a.kind) : object;
}

/**
 * An object that a hook has altered, again as its schema says: without unknown fields (which custom resources may be
 * given even where validation is strict), with defaults. Throws a 500 where it is no object of its kind any more.
 */
export function completed(
  registry: Registry,
  a: AdmissionAttributes,
  object: Draft,
  validation: 'Ignore' | 'Strict' = 'Ignore',
): Draft {
  const { group, version, kind } = a.kind;
  const wanted = apiVersionOf(a.kind);
  const given = { kind: object.kind ?? kind, apiVersion: object.apiVersion ?? wanted };
  if (given.kind !== kind || given.apiVersion !== wanted) {
    const from = `${String(given.apiVersion).split('/').at(-1)}.${String(given.kind)}`;
    throw internalError(`converting (${from}) to (${goPackage(group)}.${kind}): unknown conversion`);
  }
  const store = registry.lookup(a.group, a.version, a.resource);
  // Views in a kind of their own have no defaults here.
  if (store?.definition.kind !== kind) return object;
  const { schema } = store.version;
  try {
    const fieldValidation = schemaOf(a.kind) ? validation : 'Ignore';
    const made = schema.decode(structuredClone(object), { fieldValidation, warn: () => {} });
    made.metadata ??= {};
    schema.applyDefaults(made);
    return made;
  } catch (error) {
    const handled = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: `;
    throw internalError(messageOf(error).replace(handled, ''));
  }
}
