import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../api/gen/apiextensions-v1.ts';
import type { OperationFact, TypeFact } from '../../api/openapi-facts.ts';
import type { OpenApiAddition } from '../openapi/openapi.ts';
import { camel, capital } from '../openapi/operations.ts';
import type { Dialect } from '../openapi/schema.ts';
import { kindFields, publishedKind } from './published-schema.ts';
import type { Schema } from './structural.ts';

/** `com.example.v1.Widget`: how upstream names the types of custom resources. */
const typeName = (group: string, version: string, kind: string): string =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}`;

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

function typesOf(
  crd: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  dialect: Dialect,
): Record<string, TypeFact> {
  const { group, names } = crd.spec;
  const gvk = { group, kind: names.kind, version: version.name };
  const name = typeName(group, version.name, names.kind);
  const fields = version.selectableFields?.map((field) => ({ fieldPath: field.jsonPath.replace(/^\./, '') }));
  const selectable = fields && fields.length > 0 ? { 'x-kubernetes-selectable-fields': fields } : {};
  return {
    [name]: {
      ...publishedKind(version.schema?.openAPIV3Schema as Schema | undefined, dialect),
      'x-kubernetes-group-version-kind': [gvk],
      ...selectable,
    },
    [`${name}List`]: {
      type: 'object',
      description: `${names.listKind ?? `${names.kind}List`} is a list of ${names.kind}`,
      required: ['items'],
      properties: {
        ...kindFields,
        metadata: { ref: `${meta}.ListMeta` },
        items: { type: 'array', items: { ref: name } },
      },
      'x-kubernetes-group-version-kind': [{ ...gvk, kind: names.listKind ?? `${names.kind}List` }],
      ...selectable,
    },
  };
}

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
/** What custom resources are read from, and written in: they have no protobuf. */
const forms = ['application/json', 'application/yaml'];
const patches = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];

function operationsOf(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): OperationFact[] {
  const { group, names, scope } = crd.spec;
  const gvk = { group, kind: names.kind, version: version.name };
  const root = `/apis/${group}/${version.name}`;
  const place = scope === 'Namespaced' ? `${root}/namespaces/{namespace}/${names.plural}` : `${root}/${names.plural}`;
  const suffix = `${scope === 'Namespaced' ? 'Namespaced' : ''}${names.kind}`;
  const prefix = `${capital(camel(group.replace(/\.k8s\.io$/, '')))}${capital(version.name)}`;
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
    consumes: method === 'patch' ? patches : forms,
    produces: forms,
  });
  const onObject = (path: string, id: string): OperationFact[] => [
    operation('get', 'get', 'read', path, id),
    operation('put', 'put', 'replace', path, id),
    operation('patch', 'patch', 'patch', path, id),
  ];
  return [
    operation('get', 'list', 'list', place, suffix),
    operation('post', 'post', 'create', place, suffix),
    operation('delete', 'deletecollection', 'delete', place, `Collection${suffix}`),
    ...onObject(`${place}/{name}`, suffix),
    operation('delete', 'delete', 'delete', `${place}/{name}`, suffix),
    ...(version.subresources?.status ? onObject(`${place}/{name}/status`, `${suffix}Status`) : []),
    ...(version.subresources?.scale
      ? onObject(`${place}/{name}/scale`, `${suffix}Scale`).map((found) => ({ ...found, body: scaleKind }))
      : []),
    ...(scope === 'Namespaced'
      ? [operation('get', 'list', 'list', `${root}/${names.plural}`, `${names.kind}ForAllNamespaces`)]
      : []),
  ];
}

/** What the custom resources add to the published API, by group version. */
export function openApiAdditions(crds: Iterable<CustomResourceDefinition>): OpenApiAddition[] {
  const found = new Map<string, { operations: OperationFact[]; types: Record<Dialect, Record<string, TypeFact>> }>();
  for (const crd of crds)
    for (const version of crd.spec.versions) {
      if (!version.served) continue;
      const path = `apis/${crd.spec.group}/${version.name}`;
      const addition = found.get(path) ?? { operations: [], types: { v2: {}, v3: {} } };
      addition.operations.push(...operationsOf(crd, version));
      for (const dialect of ['v2', 'v3'] as const)
        Object.assign(addition.types[dialect], typesOf(crd, version, dialect));
      found.set(path, addition);
    }
  return [...found].map(([path, addition]) => ({ path, ...addition }));
}
