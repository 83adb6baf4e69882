import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { KnarrError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { type Answer, packRows, type RequestName, type Requests, unpackRows } from './sqlite-messages.ts';
import type { RevisionTable } from './table.ts';

/** In a bundle the thread's program stands beside it, as `sqlite-worker.js`. */
export const program = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js',
  import.meta.url,
);

/** The table in an SQLite file, which a thread of its own holds: neither a slow disk nor a sync stops the event loop. */
export function createSqliteTable({ path, log }: { path: string; log: Logger }): RevisionTable {
  const waiting = new Map<number, { resolve(body: unknown): void; reject(error: Error): void }>();
  let worker: Worker | undefined;
  let lastId = 0;
  let era = 1;

  const rejectAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const onAnswer = (answer: Answer): void => {
    const waiter = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) waiter?.reject(errorOf(answer.error, path));
    else waiter?.resolve(answer.body);
  };
  const ask = <Name extends RequestName>(
    name: Name,
    body: Requests[Name]['ask'],
    move: ArrayBuffer[] = [],
  ): Promise<Requests[Name]['answer']> => {
    const { promise, resolve, reject } = Promise.withResolvers<Requests[Name]['answer']>();
    if (!worker) {
      reject(new KnarrError({ code: 'store-stopped', blame: 'world', message: 'The datastore is not open.' }));
      return promise;
    }
    lastId++;
    waiting.set(lastId, { resolve: (answer) => resolve(answer as Requests[Name]['answer']), reject });
    worker.postMessage({ id: lastId, name, body }, move);
    return promise;
  };
  const end = async (): Promise<void> => {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };

  return {
    async open() {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      worker = new Worker(program, { resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 256 } });
      worker.on('message', onAnswer);
      worker.on('error', (error) => {
        log.error('the datastore thread failed', { error: error.message });
        rejectAll(error);
      });
      worker.on('exit', () => rejectAll(new Error('the datastore thread has ended')));
      try {
        const opened = await ask('open', { path });
        if (opened.checked) log.info('the datastore was not closed last time; it was checked and is sound', { path });
        return opened;
      } catch (error) {
        await end();
        throw error;
      }
    },
    async commit({ rows, reserve }) {
      const own = era;
      const packed = rows.length === 0 ? undefined : packRows(rows);
      try {
        await ask('commit', { rows: packed, reserve, era: own }, packed ? [packed.block] : []);
      } catch (error) {
        if (era === own) era++;
        throw error;
      }
    },
    async get(key) {
      return unpackRows(await ask('get', { key }))[0];
    },
    async list({ prefix, start = prefix, limit, revision }) {
      const { rows, count } = await ask('list', { prefix, start, limit, revision });
      return { rows: unpackRows(rows), count };
    },
    async changes(request) {
      return unpackRows(await ask('changes', request));
    },
    compact: (revision) => ask('compact', { revision }),
    size: () => ask('size', undefined),
    backup: (to) => ask('backup', { path: to }),
    async close(revision) {
      try {
        await ask('close', { revision });
      } finally {
        await end();
      }
    },
  };
}

export function errorOf({ message, code }: { message: string; code: string }, path: string): KnarrError {
  if (code === 'SQLITE_BUSY' || code === 'locked') {
    const text = `${path} is in use by another process; stop that one first.`;
    return new KnarrError({ code: 'store-locked', blame: 'user', message: text, details: { path } });
  }
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') {
    const text = `${path} is damaged (${message}); restore the newest backup.`;
    return new KnarrError({ code: 'store-damaged', blame: 'world', message: text, details: { path } });
  }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    const text = `The disk that holds ${path} is full; free some space.`;
    return new KnarrError({ code: 'store-full', blame: 'world', message: text, details: { path } });
  }
  return new KnarrError({ code: 'store-failed', blame: 'world', message: `${path}: ${message}`, details: { code } });
}
