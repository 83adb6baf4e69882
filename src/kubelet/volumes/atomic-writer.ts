import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';

export interface ProjectedFile {
  data: Uint8Array;
  mode: number;
  /** Owner; default root. */
  uid?: number;
}

/** Relative path → file. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const dataLink = '..data';

async function sameContent(folder: string, payload: Payload, more: number): Promise<boolean> {
  try {
    const current = await readlink(`${folder}/${dataLink}`);
    const entries = await readdir(`${folder}/${current}`, { recursive: true, withFileTypes: true });
    const files = entries.filter((e) => e.isFile());
    if (files.length !== payload.size) return false;
    for (const [path, file] of payload) {
      const at = `${folder}/${current}/${path}`;
      const [data, { mode, uid }] = await Promise.all([readFile(at), lstat(at)]);
      if (!data.equals(file.data) || (mode & 0o777) !== ((file.mode | more) & 0o777)) return false;
      if (file.uid !== undefined && uid !== file.uid) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * Brings `folder` to show exactly the payload, all of it at once: files lie in a new hidden folder, `..data` points to
 * it and is exchanged by a rename, and each name at the top is a link through `..data`. Readers see the old set or the
 * new one. Answers whether anything changed. The group owner, when given, may read (and the files keep their mode).
 */
export async function writePayload(folder: string, payload: Payload, options: { gid?: number } = {}): Promise<boolean> {
  const { gid } = options;
  if (await sameContent(folder, payload, gid === undefined ? 0 : 0o440)) return false;
  await mkdir(folder, { recursive: true });
  const stamp = new Date().toISOString().replaceAll('-', '_').replace('T', '_').replaceAll(':', '_').slice(0, 19);
  const fresh = await mkdtemp(`${folder}/..${stamp}.`);
  await chmod(fresh, gid === undefined ? 0o755 : 0o2755);
  for (const [path, file] of payload) {
    const at = `${fresh}/${path}`;
    if (path.includes('/')) await mkdir(dirname(at), { recursive: true, mode: 0o755 });
    await writeFile(at, file.data, { mode: file.mode });
    await chmod(at, gid === undefined ? file.mode : file.mode | 0o440);
    if (file.uid !== undefined || gid !== undefined) await chown(at, file.uid ?? 0, gid ?? 0);
  }
  const previous = await readlink(`${folder}/${dataLink}`).catch(() => undefined);
  const name = fresh.slice(folder.length + 1);
  await rm(`${folder}/${dataLink}_tmp`, { force: true });
  await symlink(name, `${folder}/${dataLink}_tmp`);
  await rename(`${folder}/${dataLink}_tmp`, `${folder}/${dataLink}`);

  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  const present = (await readdir(folder)).filter((n) => !n.startsWith('..'));
  for (const top of wanted) if (!present.includes(top)) await symlink(`${dataLink}/${top}`, `${folder}/${top}`);
  for (const top of present) if (!wanted.has(top)) await rm(`${folder}/${top}`, { recursive: true, force: true });
  if (previous !== undefined) await rm(`${folder}/${previous}`, { recursive: true, force: true });
  return true;
}
