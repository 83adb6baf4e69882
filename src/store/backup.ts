import { Worker } from 'node:worker_threads';
import type { Answer, BackupFacts, CopyFacts, RequestName, Requests, Restored } from './sqlite-messages.ts';
import { errorOf, program } from './sqlite-table.ts';

export type { BackupFacts, CopyFacts, Restored };

/**
 * Reads a backup from its first to its last page. Throws KnarrError `store-damaged` (or `store-version`, when a newer
 * version wrote it) for one that cannot be restored.
 */
export const verifyBackup = (path: string): Promise<BackupFacts> => asked('verify', { path }, path);

/**
 * Puts a copy of the backup `from` in the place of the datastore `to`, which nobody may have open. Nothing is touched
 * when the backup is damaged; the old datastore is kept beside it; a power cut at any moment leaves the old or the new
 * one, and the call can be made again.
 */
export const restoreBackup = (from: string, to: string): Promise<Restored> => asked('restore', { from, to }, from, to);

/**
 * Makes a verified copy of the datastore `from`, which nobody may have open, without bringing it to this version's form.
 * `to` is the old copy or the new one at every instant.
 */
export const copyDatastore = (from: string, to: string): Promise<CopyFacts> => asked('copy', { from, to }, from);

/** The version of the form of a datastore's tables; another one than a copy's tells that it was migrated since. */
export const datastoreSchema = (path: string): Promise<number> => asked('schema', { path }, path);

async function asked<Name extends RequestName>(
  name: Name,
  body: Requests[Name]['ask'],
  path: string,
  lockPath = path,
): Promise<Requests[Name]['answer']> {
  const worker = new Worker(program);
  try {
    return await new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the datastore thread has ended')));
      worker.once('message', (answer: Answer) => {
        if (!('error' in answer)) resolve(answer.body as Requests[Name]['answer']);
        else reject(errorOf(answer.error, answer.error.code === 'locked' ? lockPath : path));
      });
      worker.postMessage({ id: 1, name, body });
    });
  } finally {
    await worker.terminate();
  }
}
