import { readFileSync } from 'node:fs';
import type { KubernetesObject } from './object.ts';
import type { Table, TableColumnDefinition } from './table-types.ts';

/** Which resource a table is of. */
export interface TablePlace {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** How a custom resource's own columns come in. */
export interface CustomColumns {
  readonly additionalPrinterColumns: readonly {
    name: string;
    type: string;
    jsonPath: string;
    format?: string | undefined;
    description?: string | undefined;
    priority?: number | undefined;
  }[];
}

export interface TableOptions {
  now: Date;
  /** The query parameter `includeObject`; default `Metadata`. */
  includeObject?: 'None' | 'Metadata' | 'Object' | undefined;
  custom?: CustomColumns | undefined;
  /** Without column definitions: the later events of a watch. */
  noHeaders?: boolean | undefined;
}

let columns: Record<string, [string, string, string, number][] | string> | undefined;

/** The columns of a resource; Name and Created At for those that have none of their own. */
export function tableColumns(place: TablePlace, _custom?: CustomColumns): TableColumnDefinition[] {
  columns ??= JSON.parse(readFileSync(new URL('./facts/table-columns.json', import.meta.url), 'utf8')) as NonNullable<
    typeof columns
  >;
  const found = columns[`${place.group === '' ? '' : `/${place.group}`}/${place.version}/${place.resource}`];
  const rows = Array.isArray(found)
    ? found
    : ([
        ['Name', 'string', 'name', 0],
        ['Created At', 'date', '', 0],
      ] as const);
  return rows.map(([name, type, format, priority]) => ({ name, type, format, description: '', priority }));
}

/** One object, or the items of a list, in the `Table` form. `metadata` is the list's. */
export function makeTable(
  place: TablePlace,
  objects: readonly KubernetesObject[],
  metadata: Table['metadata'],
  options: TableOptions,
): Table {
  const definitions = tableColumns(place, options.custom);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.noHeaders ? [] : definitions,
    rows: objects.map((object) => ({
      cells: definitions.map((d, i) =>
        i === 0 ? (object.metadata.name ?? '') : d.type === 'date' ? (object.metadata.creationTimestamp ?? '') : '',
      ),
      object: rowObject(object, options.includeObject ?? 'Metadata'),
    })),
  };
}

/** The PartialObjectMetadata form of an object. */
export function partialObjectMetadata(object: KubernetesObject): KubernetesObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function rowObject(object: KubernetesObject, include: 'None' | 'Metadata' | 'Object'): KubernetesObject | null {
  if (include === 'None') return null;
  return include === 'Object' ? object : partialObjectMetadata(object);
}
