import { parentPort } from 'node:worker_threads';
import { systemCode, toError } from '../base/errors.ts';
import { openDatabase, type RevisionDatabase } from './sqlite-database.ts';
import { type Ask, packRows, type Requests } from './sqlite-messages.ts';
import { copyDatabase, restoreFile, schemaOf, verifyFile } from './sqlite-restore.ts';
import type { Row } from './table.ts';

/** The thread that holds the database: takes one request after the other, as `sqlite-table.ts` sends them. */
const port = parentPort;
let database: RevisionDatabase | undefined;

const held = (): RevisionDatabase => {
  if (!database) throw new Error('the database is not open');
  return database;
};

const rowsAnswer = (rows: readonly Row[]) => {
  const packed = packRows(rows);
  return { body: packed, move: [packed.block] };
};

function handle(ask: Exclude<Ask, Commit>): { body: unknown; move?: ArrayBuffer[] } | Promise<{ body: unknown }> {
  switch (ask.name) {
    case 'open': {
      database = openDatabase(ask.body.path);
      return { body: database.opened satisfies Requests['open']['answer'] };
    }
    case 'get': {
      const row = held().get(ask.body.key);
      return rowsAnswer(row ? [row] : []);
    }
    case 'list': {
      const { rows, count } = held().list(ask.body);
      const packed = packRows(rows);
      return { body: { rows: packed, count }, move: [packed.block] };
    }
    case 'changes':
      return rowsAnswer(held().changes(ask.body));
    case 'compact':
      return compact(ask.body.revision);
    case 'size':
      return { body: held().size() };
    case 'backup':
      held().backup(ask.body.path);
      return { body: undefined };
    case 'verify':
      return { body: verifyFile(ask.body.path) satisfies Requests['verify']['answer'] };
    case 'copy':
      return { body: copyDatabase(ask.body.from, ask.body.to) satisfies Requests['copy']['answer'] };
    case 'schema':
      return { body: schemaOf(ask.body.path) };
    case 'restore':
      return { body: restoreFile(ask.body.from, ask.body.to) satisfies Requests['restore']['answer'] };
    case 'close':
      database?.close(ask.body.revision);
      database = undefined;
      return { body: undefined };
  }
}

/** In slices with a turn of the loop between them, so that commits do not wait for long. */
async function compact(revision: number): Promise<{ body: undefined }> {
  const slices = held().compactionSlices(revision);
  for (const slice of slices) {
    if (!database) break;
    slice();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { body: undefined };
}

type Commit = Extract<Ask, { name: 'commit' }>;

/** What came while another commit was made goes together. */
let commits: Commit[] = [];
/** Commits of this era and of older ones rest on one that has failed. */
let failedEra = 0;

function commitAll(): void {
  const group = commits.filter(({ body }) => body.era > failedEra);
  const stale = commits.filter(({ body }) => body.era <= failedEra);
  commits = [];
  for (const { id } of stale) fail(id, new Error('a write before this one could not be made durable'));
  if (group.length === 0) return;
  try {
    held().commit(group.map(({ body }) => body));
  } catch (error) {
    failedEra = Math.max(...group.map(({ body }) => body.era));
    for (const { id } of group) fail(id, error);
    return;
  }
  for (const { id } of group) port?.postMessage({ id, body: undefined });
  try {
    held().afterCommit();
  } catch {
    // It is durable. Whoever reads or commits next is told, if it still cannot be done.
  }
}

function fail(id: number, error: unknown): void {
  port?.postMessage({ id, error: { message: toError(error).message, code: systemCode(error) ?? '' } });
}

port?.on('message', async (ask: Ask) => {
  if (ask.name === 'commit') {
    if (commits.push(ask) === 1) setImmediate(commitAll);
    return;
  }
  if (commits.length > 0) commitAll();
  try {
    const result = handle(ask);
    const { body, move } = result instanceof Promise ? { ...(await result), move: [] } : { move: [], ...result };
    port.postMessage({ id: ask.id, body }, move);
  } catch (error) {
    fail(ask.id, error);
  }
});
