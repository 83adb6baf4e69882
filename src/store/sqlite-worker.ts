import { parentPort } from 'node:worker_threads';
import { systemCode, toError } from '../base/errors.ts';
import { openDatabase, type RevisionDatabase } from './sqlite-database.ts';
import { type Ask, packRows, type Requests, unpackRows } from './sqlite-messages.ts';
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

function handle(ask: Ask): { body: unknown; move?: ArrayBuffer[] } | Promise<{ body: unknown }> {
  switch (ask.name) {
    case 'open': {
      database = openDatabase(ask.body.path);
      return { body: database.opened satisfies Requests['open']['answer'] };
    }
    case 'commit':
      held().commit(ask.body.rows ? unpackRows(ask.body.rows) : [], ask.body.reserve);
      return { body: undefined };
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

port?.on('message', async (ask: Ask) => {
  try {
    const result = handle(ask);
    const { body, move } = result instanceof Promise ? { ...(await result), move: [] } : { move: [], ...result };
    port.postMessage({ id: ask.id, body }, move);
  } catch (error) {
    port.postMessage({ id: ask.id, error: { message: toError(error).message, code: systemCode(error) ?? '' } });
  }
});
