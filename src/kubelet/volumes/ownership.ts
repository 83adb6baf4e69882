import { chmod, lchown, lstat, readdir } from 'node:fs/promises';

/**
 * Gives a volume to a group: everything below gets the group, its members may do what the owner may, and what is made
 * later inherits the group. With `OnRootMismatch` nothing is done where the top already is as it should be.
 */
export async function setGroup(folder: string, gid: number, policy: string | undefined): Promise<void> {
  const top = await lstat(folder);
  const right = top.gid === gid && (top.mode & 0o2070) === 0o2070;
  if (policy === 'OnRootMismatch' && right) return;
  await give(folder, gid);
}

async function give(path: string, gid: number): Promise<void> {
  const info = await lstat(path);
  await lchown(path, info.uid, gid);
  if (info.isSymbolicLink()) return;
  await chmod(path, (info.mode & 0o7777) | (info.isDirectory() ? 0o2770 : 0o660));
  if (!info.isDirectory()) return;
  for (const name of await readdir(path)) await give(`${path}/${name}`, gid);
}
