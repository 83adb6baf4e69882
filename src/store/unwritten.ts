import type { ListRequest } from './backend.ts';
import { prefixEnd, type RevisionTable, type Row } from './table.ts';

/** Volatile rows that were delivered and are not in the table yet: the newest of each key, deletions too. */
export interface Unwritten {
  size(): number;
  get(key: string): Row | undefined;
  put(row: Row): void;
  drop(key: string): void;
  /** All of them except those whose keys `durable` writes anyway. */
  rows(durable: readonly Row[]): Row[];
  /** These are in the table now; what has been put since stays. */
  written(rows: readonly Row[]): void;
  /** `table.list` as it would be with these rows in the table. */
  listOver(
    table: RevisionTable,
    request: ListRequest & { revision: number },
  ): Promise<{ rows: readonly Row[]; count: number }>;
}

export function createUnwritten(): Unwritten {
  const byKey = new Map<string, Row>();
  return {
    size: () => byKey.size,
    get: (key) => byKey.get(key),
    put: (row) => void byKey.set(row.key, row),
    drop: (key) => void byKey.delete(key),
    rows(durable) {
      if (byKey.size === 0) return [];
      const keys = new Set(durable.map((row) => row.key));
      return [...byKey.values()].filter((row) => !keys.has(row.key)).sort((a, b) => a.revision - b.revision);
    },
    written(rows) {
      for (const row of rows) if (byKey.get(row.key) === row) byKey.delete(row.key);
    },
    async listOver(table, request) {
      const { prefix, start = prefix, limit = Number.POSITIVE_INFINITY, revision } = request;
      const end = prefixEnd(prefix);
      const inRange = (row: Row): boolean =>
        row.key >= start && row.key >= prefix && row.key < end && row.revision <= revision;
      const over = new Map([...byKey].filter(([, row]) => inRange(row)));
      if (over.size === 0) return table.list(request);
      // The rows on top may hide or add any of those below, so the whole range is read before it is cut.
      const { rows } = await table.list({ ...request, limit: undefined });
      const below = rows.filter((row) => !over.has(row.key));
      const above = [...over.values()].filter((row) => row.value !== undefined);
      const all = [...below, ...above];
      all.sort((a, b) => (a.key < b.key ? -1 : 1));
      return { rows: all.slice(0, limit), count: all.length };
    },
  };
}
