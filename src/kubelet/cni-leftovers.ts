import { readdir, rm, stat } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';

/** Where containerd keeps the results of CNI calls, and the host-local plugin the addresses that it gave out. */
export const cniStateFolders = ['/var/lib/cni/results', '/var/lib/cni/networks'];

/** A plugin fills the file that it makes at once. */
const settledMs = 60_000;
/** Is empty all its life. */
const lockFile = 'lock';

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/**
 * Removes what a power cut left of the CNI plugins' memory: they write without fsync, so a file may be there with
 * nothing in it, and by an empty result no old sandbox can be taken down. Files of this boot that are not a minute old
 * may be in the making and are left alone. Gives the paths of what was removed.
 */
export async function removeEmptyCniFiles(
  folders: readonly string[] = cniStateFolders,
  upForMs = uptime() * 1000,
): Promise<string[]> {
  const settled = Date.now() - Math.min(upForMs, settledMs);
  const removed: string[] = [];
  for (const path of (await Promise.all(folders.map(filesIn))).flat()) {
    if (path.endsWith(`/${lockFile}`)) continue;
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || info.size > 0 || info.mtimeMs >= settled) continue;
    await rm(path, { force: true });
    removed.push(path);
  }
  return removed;
}
