import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';

const identity = /(?:^|-)([0-9a-f]{64})(?:\.scope)?$/;

/**
 * The containers that exist on this machine now, by their cgroups: the truth of this boot, while the API may still say of
 * a pod what was so before it. Undefined where there are no cgroups to look at.
 */
export async function containersHere(host: Host): Promise<ReadonlySet<string> | undefined> {
  const root = host.path('/sys/fs/cgroup');
  const found = new Set<string>();
  const foldersIn = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const look = async (folder: string, names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const id = identity.exec(name)?.[1];
      const path = join(folder, name);
      if (id !== undefined) found.add(id);
      // a cgroup may go while it is looked at
      else await look(path, await foldersIn(path).catch(() => []));
    }
  };
  const names = await foldersIn(root).catch(() => undefined);
  if (names === undefined) return undefined;
  await look(root, names);
  return found;
}
