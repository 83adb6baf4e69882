import type { ListMeta } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { badRequest } from '../../api/status.ts';
import { type CustomColumns, makeTable, partialObjectMetadata } from '../../api/table.ts';
import type { ResourceStore } from '../registry/types.ts';
import type { MediaType } from './negotiate.ts';

/** Custom printer columns by `group/version/resource`; filled by the custom-resource part. */
export const customColumns = new Map<string, CustomColumns>();

export interface TransformQuery {
  readonly includeObject: 'None' | 'Metadata' | 'Object' | undefined;
}

export function transformQuery(query: URLSearchParams): TransformQuery {
  const value = query.get('includeObject');
  if (value === null || value === '') return { includeObject: undefined };
  if (value !== 'None' && value !== 'Metadata' && value !== 'Object')
    throw badRequest(`unrecognized includeObject value: "${value}"`);
  return { includeObject: value };
}

function tableOf(
  store: ResourceStore,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  query: TransformQuery,
  noHeaders: boolean,
): object {
  const { definition, version } = store;
  const custom = customColumns.get(`${definition.group}/${version.version}/${definition.resource}`);
  return makeTable(
    { group: definition.group, version: version.version, resource: definition.resource },
    objects,
    metadata,
    {
      now: new Date(),
      includeObject: query.includeObject,
      custom,
      noHeaders,
    },
  );
}

/** One object in the form that was asked for. */
export function transformObject(
  type: MediaType,
  store: ResourceStore,
  object: KubernetesObject,
  query: TransformQuery,
  options: { noHeaders?: boolean } = {},
): object {
  const asVersion = `${type.asGroup}/${type.asVersion}`;
  if (type.as === 'Table')
    return {
      ...tableOf(
        store,
        [object],
        { resourceVersion: object.metadata.resourceVersion },
        query,
        options.noHeaders ?? false,
      ),
      apiVersion: asVersion,
    };
  return { ...partialObjectMetadata(object), apiVersion: asVersion };
}

/** A list in the form that was asked for. */
export function transformList(
  type: MediaType,
  store: ResourceStore,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  query: TransformQuery,
): object {
  const asVersion = `${type.asGroup}/${type.asVersion}`;
  if (type.as === 'Table') return { ...tableOf(store, objects, metadata, query, false), apiVersion: asVersion };
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: asVersion,
    metadata,
    items: objects.map((object) => ({ ...partialObjectMetadata(object), apiVersion: asVersion })),
  };
}
