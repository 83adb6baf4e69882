import { readFileSync } from 'node:fs';
import type { Pod } from './gen/core-v1.ts';
import { compileJsonPath, type JsonPath } from './json-path.ts';
import type { KubernetesObject } from './object.ts';
import { clusterPrinters } from './printers/cluster.ts';
import { corePrinters } from './printers/core.ts';
import { podRowConditions } from './printers/pod.ts';
import { type Clock, humanDuration, nameOf, type Printer } from './printers/text.ts';
import { workloadPrinters } from './printers/workloads.ts';
import type { Table, TableColumnDefinition } from './table-types.ts';

/** Which resource a table is of. */
export interface TablePlace {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** How a custom resource's own columns come in. */
export interface CustomColumns {
  readonly additionalPrinterColumns: readonly CustomColumn[];
}

interface CustomColumn {
  name: string;
  type: string;
  jsonPath: string;
  format?: string | undefined;
  description?: string | undefined;
  priority?: number | undefined;
}

export interface TableOptions {
  now: Date;
  /** The query parameter `includeObject`; default `Metadata`. */
  includeObject?: 'None' | 'Metadata' | 'Object' | undefined;
  custom?: CustomColumns | undefined;
  /** Without column definitions: the later events of a watch. */
  noHeaders?: boolean | undefined;
  /** The apiVersion of the rows' metadata; default `meta.k8s.io/v1`. */
  asVersion?: string | undefined;
}

const metaVersion = 'meta.k8s.io/v1';

type ColumnFact = [name: string, type: string, format: string, priority: number];

const printers: Readonly<Record<string, Printer>> = { ...corePrinters, ...workloadPrinters, ...clusterPrinters };
const plain: ColumnFact[] = [
  ['Name', 'string', 'name', 0],
  ['Created At', 'date', '', 0],
];
const nameColumn: TableColumnDefinition = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. It is required when creating a resource and cannot be changed afterwards.',
  priority: 0,
};
const ageColumn: CustomColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

let facts: Record<string, ColumnFact[] | string> | undefined;

function columnFacts(place: TablePlace): ColumnFact[] | undefined {
  facts ??= JSON.parse(readFileSync(new URL('./facts/table-columns.json', import.meta.url), 'utf8')) as typeof facts;
  const found = facts?.[`${place.group}/${place.version}/${place.resource}`];
  return Array.isArray(found) ? found : undefined;
}

const customColumns = (custom: CustomColumns): readonly CustomColumn[] =>
  custom.additionalPrinterColumns.length > 0 ? custom.additionalPrinterColumns : [ageColumn];

/** The columns of a resource; Name and Created At for those that have none of their own. */
export function tableColumns(place: TablePlace, custom?: CustomColumns): TableColumnDefinition[] {
  if (custom) {
    const own = customColumns(custom).map((c) => ({
      name: c.name,
      type: c.type,
      format: c.format ?? '',
      description: c.description || `Custom resource definition column (in JSONPath format): ${c.jsonPath}`,
      priority: c.priority ?? 0,
    }));
    return [nameColumn, ...own];
  }
  return (columnFacts(place) ?? plain).map(([name, type, format, priority]) =>
    name === 'Name' ? { ...nameColumn, priority } : { name, type, format, description: '', priority },
  );
}

function printerOf(place: TablePlace, custom: CustomColumns | undefined): Printer {
  if (custom) return customPrinter(customColumns(custom));
  const found =
    printers[`${place.group}/${place.version}/${place.resource}`] ?? printers[`${place.group}/${place.resource}`];
  if (found && columnFacts(place)) return found;
  return (object: KubernetesObject) => [nameOf(object), object.metadata.creationTimestamp ?? ''];
}

function customPrinter(columns: readonly CustomColumn[]): Printer {
  const cells = columns.map((c) => ({ type: c.type, find: compiled(c.jsonPath) }));
  return (object: KubernetesObject, clock: Clock) => [
    nameOf(object),
    ...cells.map(({ type, find }) => customCell(type, find(object)[0], clock)),
  ];
}

function compiled(path: string): JsonPath {
  try {
    return compileJsonPath(path);
  } catch {
    return () => [];
  }
}

function customCell(type: string, value: unknown, clock: Clock): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    case 'integer':
    case 'number':
      if (typeof value === 'bigint') return type === 'integer' ? value : Number(value);
      if (typeof value !== 'number') return null;
      return type === 'integer' ? Math.trunc(value) : value;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date': {
      const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      return Number.isNaN(time) ? '<invalid>' : humanDuration(clock.now - time);
    }
    default:
      return null;
  }
}

/** One object, or the items of a list, in the `Table` form. `metadata` is the list's. */
export function makeTable(
  place: TablePlace,
  objects: readonly KubernetesObject[],
  metadata: Table['metadata'],
  options: TableOptions,
): Table {
  const print = printerOf(place, options.custom);
  const clock = { now: options.now.getTime() };
  const isPods = place.group === '' && place.resource === 'pods';
  return {
    kind: 'Table',
    apiVersion: metaVersion,
    metadata,
    columnDefinitions: options.noHeaders ? null : tableColumns(place, options.custom),
    rows: objects.map((object) => {
      const conditions = isPods ? podRowConditions(object as Pod) : undefined;
      return {
        cells: print(object as never, clock),
        ...(conditions ? { conditions } : {}),
        object: rowObject(object, options),
      };
    }),
  };
}

/** The PartialObjectMetadata form of an object. */
export function partialObjectMetadata(object: KubernetesObject, apiVersion = metaVersion): KubernetesObject {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}

function rowObject(object: KubernetesObject, { includeObject, asVersion }: TableOptions): KubernetesObject | null {
  if (includeObject === 'None') return null;
  return includeObject === 'Object' ? object : partialObjectMetadata(object, asVersion);
}
