import { decodeValue } from '../../api/decode.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from '../../api/gen/apiextensions-v1.ts';
import type { GroupVersionKind } from '../../api/schema.ts';
import { badRequest } from '../../api/status.ts';
import { validateCreate, validateUpdate } from '../../api/validate.ts';
import type {
  Draft,
  ResourceDefinition,
  ResourceVersion,
  SchemaFunctions,
  SubresourceBehaviour,
  SubresourceDefinition,
} from '../registry/types.ts';
import { coerceEmbedded, EmbeddedTypeError } from './embedded.ts';
import { simplePath } from './simple-path.ts';
import { fillDefaults, hasDefaults, prune, pruneNulls, type Schema } from './structural.ts';
import { typeOfSchema } from './type-schema.ts';
import { type ObjectRules, objectProblems, objectWarnings, ruleWarnings } from './validate-object.ts';

export type Convert = (object: Draft, to: GroupVersionKind) => Draft | Promise<Draft>;

const anything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const schemaOfVersion = (version: CustomResourceDefinitionVersion): Schema =>
  (version.schema?.openAPIV3Schema as Schema | undefined) ?? anything;

function schemaFunctions(
  gvk: GroupVersionKind,
  version: CustomResourceDefinitionVersion,
  options: { namespaced: boolean; preserve: boolean },
): SchemaFunctions {
  const schema = schemaOfVersion(version);
  const { namespaced, preserve } = options;
  const cannotBeHandled = (why: string): Error =>
    badRequest(`${gvk.kind} in version "${gvk.version}" cannot be handled as a ${gvk.kind}: ${why}`);
  const rules: ObjectRules = { schema, body: withoutMetadata(schema), scale: version.subresources?.scale };
  return {
    // Where anything may stand at the top, ownership goes by what is there.
    type: schema['x-kubernetes-preserve-unknown-fields'] ? undefined : typeOfSchema(schema),
    decode(object, context) {
      const { object: decoded } = decodeValue(gvk, object, { fieldValidation: 'Ignore' });
      const unknown = preserve ? [] : prune(decoded, schema);
      if (!preserve) pruneNulls(decoded, schema);
      try {
        unknown.push(...coerceEmbedded(decoded, schema));
      } catch (error) {
        if (error instanceof EmbeddedTypeError) throw cannotBeHandled(error.message);
        throw error;
      }
      if (unknown.length > 0 && context.fieldValidation !== 'Ignore') {
        const texts = unknown.map((path) => `unknown field "${path}"`);
        if (context.fieldValidation === 'Strict') throw cannotBeHandled(`strict decoding error: ${texts.join(', ')}`);
        for (const text of texts) context.warn(text);
      }
      return decoded as Draft;
    },
    applyDefaults: (object) => void fillDefaults(object, withoutMetadata(schema)),
    ...(preserve ? {} : { prune: (object) => void prune(object, schema) }),
    validateCreate: (object) => [...validateCreate(gvk, object, { namespaced }), ...objectProblems(rules, object)],
    validateUpdate: (object, old, subresource) => [
      ...validateUpdate(gvk, object, old as never, { namespaced, ...(subresource ? { subresource } : {}) }),
      ...objectProblems(rules, object, old, subresource),
    ],
    warnings: objectWarnings,
    subresourceWarnings: ruleWarnings,
  };
}

const stripped = new WeakMap<Schema, Schema>();

function withoutMetadata(schema: Schema): Schema {
  let known = stripped.get(schema);
  if (!known) {
    const { metadata: _, ...properties } = schema.properties ?? {};
    const required = schema.required?.filter((name) => name !== 'metadata');
    known = { ...schema, properties, ...(required ? { required } : {}) } as Schema;
    stripped.set(schema, known);
  }
  return known;
}

/** The `scale` view of a custom resource, by the paths that its definition gives. */
function scaleBehaviour(scale: CustomResourceSubresourceScale): SubresourceBehaviour {
  const specReplicas = simplePath(scale.specReplicasPath ?? '');
  const statusReplicas = simplePath(scale.statusReplicasPath ?? '');
  const selector = scale.labelSelectorPath ? simplePath(scale.labelSelectorPath) : undefined;
  return {
    replicas: (scale.specReplicasPath ?? '').split('.').slice(1),
    read(parent) {
      const { name, namespace, uid, resourceVersion, creationTimestamp } = parent.metadata;
      const replicas = specReplicas.get(parent);
      const text = selector?.get(parent);
      return {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
        spec: typeof replicas === 'number' && replicas !== 0 ? { replicas } : {},
        status: {
          replicas: Number(statusReplicas.get(parent) ?? 0),
          ...(typeof text === 'string' && text !== '' ? { selector: text } : {}),
        },
      } as unknown as Draft;
    },
    unreadable: (parent) =>
      specReplicas.get(parent) === undefined
        ? `the spec replicas field "${scale.specReplicasPath}" does not exist`
        : undefined,
    write(parent, given) {
      specReplicas.set(parent, (given.spec as { replicas?: number } | undefined)?.replicas ?? 0);
      if (given.metadata.resourceVersion) parent.metadata.resourceVersion = given.metadata.resourceVersion;
      else delete parent.metadata.resourceVersion;
    },
  };
}

/** In the order in which discovery tells them. */
const allVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

function subresourcesOf(crd: CustomResourceDefinition, gvk: GroupVersionKind): SubresourceDefinition[] {
  const versions = crd.spec.versions.filter((version) => version.served);
  const verbs = ['get', 'patch', 'update'];
  return [
    ...(versions.some((v) => v.subresources?.scale)
      ? [{ name: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs }]
      : []),
    ...(versions.some((v) => v.subresources?.status) ? [{ name: 'status', kind: gvk, verbs }] : []),
  ];
}

/** The fields by which objects of a version can be selected, with their paths. */
const selectableIn = (version: CustomResourceDefinitionVersion): Record<string, readonly string[]> =>
  Object.fromEntries(
    (version.selectableFields ?? []).map(({ jsonPath }) => {
      const path = jsonPath.replace(/^\./, '');
      return [path, path.split('.')];
    }),
  );

/** Objects may have been stored in another version, or before the schema got its defaults. */
function refreshOf(crd: CustomResourceDefinition, convert: Convert | undefined): ResourceDefinition['refresh'] {
  const { group, versions, names } = crd.spec;
  const storage = versions.find((version) => version.storage);
  const schema = storage?.schema?.openAPIV3Schema as Schema | undefined;
  if (!storage || (versions.length === 1 && !hasDefaults(schema))) return undefined;
  const gvk = { group, version: storage.name, kind: names.kind };
  const apiVersion = `${group}/${storage.name}`;
  const complete = (object: Draft): Draft => {
    if (schema) fillDefaults(object, withoutMetadata(schema));
    return object;
  };
  return (object) => {
    if (object.apiVersion === apiVersion)
      return schema && fillDefaults(object, withoutMetadata(schema)) ? object : undefined;
    if (!convert) return complete({ ...object, apiVersion });
    const converted = convert(object, gvk);
    return converted instanceof Promise ? converted.then(complete) : complete(converted);
  };
}

/** A custom resource as the registry serves it. */
export function definitionOf(
  crd: CustomResourceDefinition,
  options: { convert?: Convert | undefined } = {},
): ResourceDefinition {
  const { spec } = crd;
  const names = crd.status?.acceptedNames ?? spec.names;
  const { group } = spec;
  const namespaced = spec.scope === 'Namespaced';
  const storage = spec.versions.find((version) => version.storage);
  const storageVersion = storage?.name ?? '';
  const versions = spec.versions.map(
    (version): ResourceVersion => ({
      version: version.name,
      served: version.served,
      schema: schemaFunctions({ group, version: version.name, kind: names.kind }, version, {
        namespaced,
        preserve: spec.preserveUnknownFields ?? false,
      }),
      selectableFields: selectableIn(version),
    }),
  );
  const scale = storage?.subresources?.scale ?? spec.versions.find((v) => v.subresources?.scale)?.subresources?.scale;
  const status = spec.versions.some((version) => version.subresources?.status);
  return {
    group,
    resource: names.plural,
    singular: names.singular || names.kind.toLowerCase(),
    kind: names.kind,
    listKind: names.listKind || `${names.kind}List`,
    namespaced,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs: allVerbs,
    subresources: subresourcesOf(crd, { group, version: storageVersion, kind: names.kind }),
    versions,
    storageVersion,
    ...(options.convert ? { convert: options.convert } : {}),
    strategy: {
      status,
      generation: true,
      statusKeepsMetadata: true,
      unconditionalUpdate: false,
      ...(scale ? { subresources: { scale: scaleBehaviour(scale) } } : {}),
    },
    // A field has the same path in every version: where no webhook converts, one reading serves them all.
    selectableFields: Object.assign({}, ...spec.versions.map(selectableIn)),
    refresh: refreshOf(crd, options.convert),
  };
}
