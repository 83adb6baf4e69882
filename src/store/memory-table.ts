import { KnarrError } from '../base/errors.ts';
import { prefixEnd, type RevisionTable, type Row } from './table.ts';

/** A table that lives and dies with the process: for tests and for servers that are to forget. */
export function createMemoryTable(): RevisionTable {
  const log: Row[] = [];
  const versions = new Map<string, Row[]>();
  const at = (key: string, revision: number): Row | undefined =>
    versions.get(key)?.findLast((row) => row.revision <= revision);
  let reserved = 0;
  let compacted = 0;

  const insert = (row: Row): void => {
    const place = log.findLastIndex((other) => other.revision < row.revision) + 1;
    if (place === log.length) log.push(row);
    else log.splice(place, 0, row);
    const own = versions.get(row.key);
    if (own) own.push(row);
    else versions.set(row.key, [row]);
  };
  return {
    async open() {
      const newest = [...versions.keys()].flatMap((key) => at(key, Number.POSITIVE_INFINITY) ?? []);
      return { revision: reserved, compacted, keys: newest.filter((row) => row.value !== undefined) };
    },
    async commit({ rows, reserve }) {
      for (const row of rows) insert(row);
      reserved = Math.max(reserved, reserve ?? 0, log.at(-1)?.revision ?? 0);
    },
    async get(key) {
      return at(key, Number.POSITIVE_INFINITY);
    },
    async list({ prefix, start = prefix, limit = Number.POSITIVE_INFINITY, revision }) {
      const end = prefixEnd(prefix);
      const keys = [...versions.keys()].filter((key) => key >= start && key >= prefix && key < end).sort();
      const rows = keys.flatMap((key) => at(key, revision) ?? []).filter((row) => row.value !== undefined);
      return { rows: rows.slice(0, limit), count: rows.length };
    },
    async changes({ prefix, after, until }) {
      return log.filter((row) => row.revision > after && row.revision <= until && row.key.startsWith(prefix));
    },
    async compact(revision) {
      compacted = revision;
      for (const [key, rows] of versions) {
        const base = rows.findLastIndex((row) => row.revision <= revision);
        const kept = rows.slice(Math.max(0, base)).filter((row) => row.value !== undefined || row.revision > revision);
        if (kept.length === 0) versions.delete(key);
        else versions.set(key, kept);
      }
      log.splice(0, log.length, ...log.filter((row) => versions.get(row.key)?.includes(row)));
    },
    async size() {
      return log.reduce((sum, row) => sum + row.key.length + (row.value?.length ?? 0), 0);
    },
    async backup() {
      throw new KnarrError({ code: 'unsupported', blame: 'user', message: 'The memory store cannot be backed up.' });
    },
    async close(revision) {
      reserved = Math.max(reserved, revision);
    },
  };
}
