import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { syncToDisk, writeFileAtomic } from '../../src/base/atomic-file.ts';

/**
 * Daemons beside the image's own (overlay/usr/lib/knarr/start-daemon chooses):
 *
 *   /var/lib/knarr/daemon
 *   ├── VERSION/        a bundle; its file `image` names the image that it is for: with another one it is not used
 *   ├── current         link to the one that is used; without it, the image's own
 *   ├── tries           while it is on trial: how often it may still start
 *   └── given-up        they are used up, and the image's own was started instead
 */
export const daemonFolder = '/var/lib/knarr/daemon';

const ours = new Set(['current', 'tries', 'given-up']);

export interface DaemonStore {
  /** Unpacks a bundle's archive; what an interrupted one left is replaced. */
  unpack(version: string, archive: string, image: string): Promise<void>;
  /** The version that is chosen; undefined: the image's own. With `image`, only one that is made for that image. */
  current(image?: string): Promise<string | undefined>;
  /** Chooses one, on trial for so many starts. */
  choose(version: string, tries: number): Promise<void>;
  /** It stays. */
  keep(): Promise<void>;
  /** Back to another one, or to the image's own. */
  goBack(version: string | undefined): Promise<void>;
  /** Removes all but those that are named. */
  prune(keep: readonly (string | undefined)[]): Promise<void>;
}

export function daemonStore(host: Host): DaemonStore {
  const root = host.path(daemonFolder);
  const path = (name: string): string => join(root, name);
  const link = async (version: string): Promise<void> => {
    await rm(path('current.new'), { force: true });
    await symlink(version, path('current.new'));
    await rename(path('current.new'), path('current'));
    await syncToDisk(root);
  };
  const keep = async (): Promise<void> => {
    await mkdir(root, { recursive: true, mode: 0o755 });
    for (const name of ['tries', 'given-up']) await rm(path(name), { force: true });
    await syncToDisk(root);
  };
  return {
    keep,
    async unpack(version, archive, image) {
      const coming = path(`${version}.new`);
      await rm(coming, { recursive: true, force: true });
      await mkdir(coming, { recursive: true, mode: 0o755 });
      await host.run('tar', ['-xf', archive, '-C', coming, '--no-same-owner']);
      await writeFileAtomic(join(coming, 'image'), `${image}\n`);
      await host.run('sync', ['-f', coming]);
      await rm(path(version), { recursive: true, force: true });
      await rename(coming, path(version));
      await syncToDisk(root);
    },
    async current(image) {
      const version = await readlink(path('current')).catch(() => undefined);
      if (version === undefined || image === undefined) return version;
      const madeFor = await readFile(path(`${version}/image`), 'utf8').catch(() => '');
      return madeFor.trim() === image ? version : undefined;
    },
    async choose(version, tries) {
      await rm(path('given-up'), { force: true });
      await writeFileAtomic(path('tries'), `${tries}\n`);
      await link(version);
    },
    async goBack(version) {
      if (version === undefined) await rm(path('current'), { force: true });
      else await link(version);
      await keep();
    },
    async prune(kept) {
      for (const name of await readdir(root).catch(() => []))
        if (!kept.includes(name) && !ours.has(name)) await rm(path(name), { recursive: true, force: true });
    },
  };
}

/** True when the daemon on trial came to nothing as often as it might, so that another one runs in its place. */
export const daemonGivenUp = (host: Host): boolean => existsSync(host.path(join(daemonFolder, 'given-up')));
