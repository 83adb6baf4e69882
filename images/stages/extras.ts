import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * Puts archives of container images into a root: they stay there, and links to them in /var, made at every boot, are
 * what the daemon imports from.
 */
export async function addImages(root: string, archives: readonly string[]): Promise<void> {
  if (archives.length === 0) return;
  const folder = join(root, 'usr/share/knarr/images');
  await mkdir(folder, { recursive: true });
  for (const archive of archives) await cp(archive, join(folder, basename(archive)));
  const target = '/var/lib/rancher/k3s/agent/images';
  const lines = archives
    .map((archive) => basename(archive))
    .map((name) => `L+ ${target}/${name} - - - - /usr/share/knarr/images/${name}\n`);
  await writeFile(
    join(root, 'usr/lib/tmpfiles.d/knarr-images.conf'),
    [`d ${target} 0755 root root -\n`, ...lines].join(''),
  );
}
