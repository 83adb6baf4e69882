import type { ListMeta } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { parseKind } from '../../api/schema.ts';
import { type ApiError, badRequest, notAcceptable, plainFailure } from '../../api/status.ts';
import { type CustomColumns, makeTable, partialObjectMetadata } from '../../api/table.ts';
import type { TableColumnDefinition } from '../../api/table-types.ts';
import { columnDescriptions } from '../descriptions.ts';
import { isCustom } from '../discovery/model.ts';
import type { ResourceStore } from '../registry/types.ts';
import { listKind } from './encode.ts';
import { goPackage } from './go-type.ts';
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
    throw badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
    );
  return { includeObject: value };
}

const placeOf = ({ definition, version }: ResourceStore): string =>
  `${definition.group}/${version.version}/${definition.resource}`;

/** Texts of a table's columns, by name. */
export type ColumnTexts = ReadonlyMap<string, string>;

const noTexts: ColumnTexts = new Map();

/** What a form needs that takes a while to find: the texts of a table's columns. */
export const columnTexts = async (type: MediaType, store: ResourceStore): Promise<ColumnTexts> =>
  type.as === 'Table' ? await columnDescriptions(placeOf(store)) : noTexts;

interface Form {
  readonly query: TransformQuery;
  readonly texts: ColumnTexts;
  readonly noHeaders?: boolean;
}

/** Of the Scale of a custom resource. */
const scaleColumns: CustomColumns = {
  additionalPrinterColumns: [
    { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas', description: 'Number of desired replicas' },
    { name: 'Available', type: 'integer', jsonPath: '.status.replicas', description: 'Number of actual replicas' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
};

function tableOf(
  store: ResourceStore,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  { query, texts, noHeaders = false, asVersion }: Form & { asVersion: string },
): object {
  const { definition, version } = store;
  const isScale = isCustom(store) && objects[0]?.kind === 'Scale';
  const custom = isScale ? scaleColumns : customColumns.get(placeOf(store));
  const table = makeTable(
    { group: definition.group, version: version.version, resource: definition.resource },
    objects,
    metadata,
    {
      now: new Date(),
      includeObject: query.includeObject,
      custom,
      noHeaders,
      asVersion,
    },
  );
  const describe = (column: TableColumnDefinition, index: number): TableColumnDefinition => {
    const text = custom && index > 0 ? undefined : texts.get(column.name);
    return text === undefined ? column : { ...column, description: text };
  };
  return { ...table, columnDefinitions: table.columnDefinitions?.map(describe) ?? null };
}

const goTypeOf = ({
  apiVersion = '',
  kind = '',
}: {
  apiVersion?: string | undefined;
  kind?: string | undefined;
}): string => `${goPackage(parseKind(apiVersion, kind).group)}.${kind}`;

/** What upstream says of an object that is to be shown as a list. */
function noList(store: ResourceStore, object: KubernetesObject): ApiError {
  if (isCustom(store) && object.kind !== 'Scale') return plainFailure(500, 'content is not a list');
  const found = isCustom(store) ? 'v1.Scale' : goTypeOf(object);
  return notAcceptable(`you requested PartialObjectMetadataList, but the requested object is not a list (*${found})`);
}

/** One object in the form that was asked for. */
export function transformObject(type: MediaType, store: ResourceStore, object: KubernetesObject, form: Form): object {
  const asVersion = `${type.asGroup}/${type.asVersion}`;
  if (type.as === 'Table')
    return {
      ...tableOf(store, [object], { resourceVersion: object.metadata.resourceVersion }, { ...form, asVersion }),
      apiVersion: asVersion,
    };
  if (type.as === 'PartialObjectMetadataList') throw noList(store, object);
  return partialObjectMetadata(object, asVersion);
}

/** A list in the form that was asked for. */
export function transformList(
  type: MediaType,
  store: ResourceStore,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  form: Form,
): object {
  const asVersion = `${type.asGroup}/${type.asVersion}`;
  if (type.as === 'Table')
    return { ...tableOf(store, objects, metadata, { ...form, asVersion }), apiVersion: asVersion };
  if (type.as === 'PartialObjectMetadata') {
    const found = isCustom(store) ? 'unstructured.UnstructuredList' : goTypeOf(listKind(store));
    throw notAcceptable(`you requested PartialObjectMetadata, but the requested object is a list (*${found})`);
  }
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: asVersion,
    metadata,
    items: objects.map((object) => partialObjectMetadata(object, asVersion)),
  };
}
