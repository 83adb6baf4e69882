import type { ListMeta } from './gen/meta-v1.ts';

/** `meta.k8s.io/v1` Table, which the published specification leaves out. */
export interface Table {
  kind: 'Table';
  apiVersion: 'meta.k8s.io/v1';
  metadata: ListMeta;
  /** Null where they were told before: in the later events of a watch. */
  columnDefinitions: TableColumnDefinition[] | null;
  rows: TableRow[];
}

export interface TableColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

export interface TableRow {
  cells: unknown[];
  conditions?: object[];
  object: unknown;
}
