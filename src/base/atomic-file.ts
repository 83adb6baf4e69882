import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces `path` with `data` so that a reader, or the machine after a power cut, sees the old content or the new one
 * and nothing between: temporary file beside it, fsync, rename, fsync of the folder. Missing folders are made.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: { mode?: number; uid?: number; gid?: number } = {},
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // no secret: another one of that name is an error; node:crypto is long in loading when a machine boots
  const temporary = `${path}.${Math.random().toString(36).slice(2)}.tmp`;
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      await file.chmod(options.mode ?? 0o644);
      if (options.uid !== undefined || options.gid !== undefined) await file.chown(options.uid ?? 0, options.gid ?? 0);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncToDisk(dirname(path));
}

/** Waits until the content of a file, or the names in a folder, are on the disk. */
export async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
