import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
 * Before a version opens the datastore for the first time on its trial: the copy for the way back is made, or, where a
 * person goes back over a change of its form, the copy that was made for this version takes its place.
 */
export const prepareForTrial = (host: Host, state: UpgradeState, pending: Pending): Promise<unknown> =>
  pending.restoreDatastore === true ? goBackToCopy(host, state, pending) : copyBeforeTrial(host, state, pending);

/** Where restoring puts the file that it replaces (src/store/sqlite-restore.ts). */
const asideOf = (path: string): string => `${basename(path)}.before-restore-`;

async function goBackToCopy(host: Host, state: UpgradeState, pending: Pending): Promise<void> {
  const path = await databaseOf(host, state);
  const copy = await readCopy(state);
  if (copy === undefined || copy.version !== pending.to)
    throw new KnarrError({
      code: 'no-copy',
      blame: 'world',
      message: `there is no copy of the datastore that ${pending.to} could read`,
    });
  // a second try finds it done
  if (existsSync(path) && (await datastoreSchema(path)) === copy.schema) return;
  await restoreBackup(copyOf(state).file, path);
}

/** The version that a person went back from runs again: so does its datastore, which lies aside. */
async function undoGoingBack(host: Host, state: UpgradeState): Promise<boolean> {
  const path = await databaseOf(host, state);
  const copy = await readCopy(state);
  if (copy === undefined || !existsSync(path) || (await datastoreSchema(path)) !== copy.schema) return false;
  const folder = dirname(path);
  const beside = (await readdir(folder)).filter((name) => /^\w+$/.test(name.slice(asideOf(path).length)));
  for (const name of beside
    .filter((one) => one.startsWith(asideOf(path)))
    .sort()
    .reverse()) {
    const aside = join(folder, name);
    if ((await datastoreSchema(aside)) === copy.schema) continue;
    await restoreBackup(aside, path);
    return true;
  }
  return false;
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
  pending: Pick<Pending, 'id' | 'restoreDatastore'>,
): Promise<boolean> {
  if (pending.restoreDatastore === true) return undoGoingBack(host, state);
  const path = await databaseOf(host, state);
  const copy = await readCopy(state);
  if (copy === undefined || copy.id !== pending.id || !existsSync(path)) return false;
  if ((await datastoreSchema(path)) === copy.schema) return false;
  await restoreBackup(copyOf(state).file, path);
  return true;
}

/**
 * For a way back that the user asks for, perhaps weeks later: whether the copy must take the datastore's place for it.
 * Throws KnarrError `datastore-migrated` when it must, which costs what was written since, and he has not said that he knows.
 */
export async function goesBackToCopy(host: Host, state: UpgradeState, to: string, accepted: boolean): Promise<boolean> {
  const path = await databaseOf(host, state);
  const copy = await readCopy(state);
  if (!existsSync(path) || copy === undefined || copy.version !== to) return false;
  if ((await datastoreSchema(path)) === copy.schema) return false;
  if (accepted) return true;
  throw new KnarrError({
    code: 'datastore-migrated',
    blame: 'user',
    message: `${to} cannot read the datastore any more: going back puts the copy of ${new Date(copy.at * 1000).toISOString()} in its place, and what was written since is lost; say --restore-datastore if you want that`,
  });
}
