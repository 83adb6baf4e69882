import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';

/**
 * Puts archives of container images into a root: they stay there, and links to them in /var, made at every boot, are
 * what the daemon imports from.
 */
export async function addImages(root: string, archives: readonly string[]): Promise<void> {
  if (archives.length === 0) return;
  const folder = join(root, 'usr/share/knarr/images');
  await mkdir(folder, { recursive: true });
  const names = new Set<string>();
  for (const archive of archives) {
    const name = basename(archive);
    if (!/^[\w.+-]+\.(tar|tar\.gz|tgz|tar\.zst)$/.test(name) || names.has(name))
      throw new KnarrError({
        code: 'add-images',
        blame: 'user',
        message: `${archive}: an archive of images is a .tar, .tar.gz or .tar.zst with a name of its own`,
      });
    names.add(name);
    await cp(archive, join(folder, name));
  }
  const target = '/var/lib/rancher/k3s/agent/images';
  const lines = [...names].map((name) => `L+ ${target}/${name} - - - - /usr/share/knarr/images/${name}\n`);
  await writeFile(
    join(root, 'usr/lib/tmpfiles.d/knarr-images.conf'),
    [`d ${target} 0755 root root -\n`, ...lines].join(''),
  );
}
