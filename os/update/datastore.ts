import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError } from '../../src/base/errors.ts';
import type { Pending, UpgradeState } from '../../src/daemon/upgrade/state.ts';
import { copyDatastore, datastoreSchema, restoreBackup } from '../../src/store/backup.ts';
import { daemonPaths } from '../health/local-clients.ts';

/** What the copy says about itself. */
export interface DatastoreCopy {
  /** The upgrade that it was made for. */
  readonly id: string;
  /** The version that wrote the datastore last. */
  readonly version: string;
  /** The form of the tables. */
  readonly schema: number;
  readonly revision: number;
  readonly at: number;
}

const databaseOf = async (host: Host, state: UpgradeState): Promise<string> =>
  host.path((await daemonPaths(state)).server.database);

const copyOf = (state: UpgradeState): { file: string; facts: string } => ({
  file: join(state.folder, 'datastore/state.db'),
  facts: join(state.folder, 'datastore/copy.json'),
});

export async function readCopy(state: UpgradeState): Promise<DatastoreCopy | undefined> {
  const { file, facts } = copyOf(state);
  const text = await readFile(facts, 'utf8').catch(() => undefined);
  return text === undefined || !existsSync(file) ? undefined : (JSON.parse(text) as DatastoreCopy);
}

/**
 * Copies the datastore once for an upgrade, before the new version opens it for the first time. Until the copy is whole
 * the daemon must not start; a power cut in between makes it begin anew, for nothing has been changed yet.
 */
export async function copyBeforeTrial(
  host: Host,
  state: UpgradeState,
  pending: Pending,
): Promise<DatastoreCopy | undefined> {
  const path = await databaseOf(host, state);
  if (!existsSync(path)) return undefined;
  const known = await readCopy(state);
  if (known?.id === pending.id) return known;
  const { file, facts } = copyOf(state);
  await mkdir(join(state.folder, 'datastore'), { recursive: true, mode: 0o700 });
  const { schema, revision } = await copyDatastore(path, file);
  const copy = { id: pending.id, version: pending.from, schema, revision, at: Math.floor(Date.now() / 1000) };
  await writeFileAtomic(facts, `${JSON.stringify(copy)}\n`, { mode: 0o600 });
  return copy;
}

/**
 * On the way back: the datastore becomes the copy again if the version that did not stay has changed its form, and only
 * then, for every write since is lost by it (the old file stays beside it). Otherwise it is left as it is. Resolves with
 * true when it was put back.
 */
export async function restoreAfterTrial(
  host: Host,
  state: UpgradeState,
  pending: Pick<Pending, 'id'>,
): Promise<boolean> {
  const path = await databaseOf(host, state);
  const copy = await readCopy(state);
  if (copy === undefined || copy.id !== pending.id || !existsSync(path)) return false;
  if ((await datastoreSchema(path)) === copy.schema) return false;
  await restoreBackup(copyOf(state).file, path);
  return true;
}

/**
 * For a way back that the user asks for, perhaps weeks later. Throws KnarrError `datastore-migrated` when it would cost
 * what was written since and he has not said that he knows.
 */
export async function mayGoBack(host: Host, state: UpgradeState, to: string, accepted: boolean): Promise<void> {
  const path = await databaseOf(host, state);
  const copy = await readCopy(state);
  if (!existsSync(path) || copy === undefined || copy.version !== to) return;
  if ((await datastoreSchema(path)) === copy.schema || accepted) return;
  throw new KnarrError({
    code: 'datastore-migrated',
    blame: 'user',
    message: `${to} cannot read the datastore any more: going back puts the copy of ${new Date(copy.at * 1000).toISOString()} in its place, and what was written since is lost; say --restore-datastore if you want that`,
  });
}
