import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../api/gen/apiextensions-v1.ts';
import type { OperationFact, TypeFact } from '../../api/openapi-facts.ts';
import type { OpenApiAddition } from '../openapi/openapi.ts';
import { additionalOf, isObject, itemsOf, type Schema } from './structural.ts';

/** `com.example.v1.Widget`: how upstream names the types of custom resources. */
const typeName = (group: string, version: string, kind: string): string =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}`;

const kept = [
  'type',
  'format',
  'description',
  'enum',
  'default',
  'required',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'nullable',
] as const;

function factOf(schema: Schema): TypeFact {
  const fact: Record<string, unknown> = {};
  for (const key of kept) if (schema[key] !== undefined) fact[key] = schema[key];
  for (const [key, value] of Object.entries(schema)) if (key.startsWith('x-kubernetes-')) fact[key] = value;
  const items = itemsOf(schema);
  if (items) fact.items = factOf(items);
  const additional = additionalOf(schema);
  if (isObject(additional)) fact.additionalProperties = factOf(additional as Schema);
  if (schema.properties)
    fact.properties = Object.fromEntries(Object.entries(schema.properties).map(([k, v]) => [k, factOf(v as Schema)]));
  return fact as TypeFact;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

function typesOf(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): Record<string, TypeFact> {
  const { group, names } = crd.spec;
  const gvk = { group, version: version.name, kind: names.kind };
  const own = factOf((version.schema?.openAPIV3Schema ?? { type: 'object' }) as Schema);
  const name = typeName(group, version.name, names.kind);
  return {
    [name]: {
      ...own,
      properties: {
        ...own.properties,
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { ref: `${meta}.ObjectMeta` },
      },
      'x-kubernetes-group-version-kind': [gvk],
    },
    [`${name}List`]: {
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { ref: `${meta}.ListMeta` },
        items: { type: 'array', items: { ref: name } },
      },
      'x-kubernetes-group-version-kind': [{ ...gvk, kind: `${names.kind}List` }],
    },
  };
}

const produces = ['application/json', 'application/yaml'];
const patches = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];

function operationsOf(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): OperationFact[] {
  const { group, names, scope } = crd.spec;
  const gvk = { group, version: version.name, kind: names.kind };
  const root = `/apis/${group}/${version.name}`;
  const place = scope === 'Namespaced' ? `${root}/namespaces/{namespace}/${names.plural}` : `${root}/${names.plural}`;
  const suffix = `${scope === 'Namespaced' ? 'Namespaced' : ''}${names.kind}`;
  const title = group
    .split('.')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
  const prefix = `${title}${version.name.charAt(0).toUpperCase()}${version.name.slice(1)}`;
  const operation = (
    method: OperationFact['method'],
    action: string,
    verb: string,
    path: string,
    id: string,
  ): OperationFact => ({
    path,
    method,
    action,
    gvk,
    id: `${verb}${prefix}${id}`,
    consumes: method === 'patch' ? patches : ['*/*'],
    produces,
  });
  const onObject = (path: string, id: string): OperationFact[] => [
    operation('get', 'get', 'read', path, id),
    operation('put', 'put', 'replace', path, id),
    operation('patch', 'patch', 'patch', path, id),
  ];
  return [
    operation('get', 'list', 'list', place, suffix),
    operation('post', 'post', 'create', place, suffix),
    operation('delete', 'deletecollection', 'deleteCollection', place, suffix),
    ...onObject(`${place}/{name}`, suffix),
    operation('delete', 'delete', 'delete', `${place}/{name}`, suffix),
    ...(version.subresources?.status ? onObject(`${place}/{name}/status`, `${suffix}Status`) : []),
    ...(scope === 'Namespaced'
      ? [operation('get', 'list', 'list', `${root}/${names.plural}`, `${names.kind}ForAllNamespaces`)]
      : []),
  ];
}

/** What the custom resources add to the published API, by group version. */
export function openApiAdditions(crds: Iterable<CustomResourceDefinition>): OpenApiAddition[] {
  const found = new Map<string, { path: string; operations: OperationFact[]; types: Record<string, TypeFact> }>();
  for (const crd of crds)
    for (const version of crd.spec.versions) {
      if (!version.served) continue;
      const path = `apis/${crd.spec.group}/${version.name}`;
      const addition = found.get(path) ?? { path, operations: [], types: {} };
      addition.operations.push(...operationsOf(crd, version));
      Object.assign(addition.types, typesOf(crd, version));
      found.set(path, addition);
    }
  return [...found.values()];
}
