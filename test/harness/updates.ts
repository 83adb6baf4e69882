import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inputsOf } from '../../build.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { buildParts, type Parts, packageVersion } from '../../images/parts.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { daemonUpdateStage } from '../../images/stages/daemon-update.ts';
import { ukiStage } from '../../images/stages/uki.ts';
import { updateStage } from '../../images/stages/update.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { hostArch } from '../../images/tools/paths.ts';

/** The second build that tests upgrade to: the same but for its version. */
export async function secondBuild(): Promise<Parts> {
  const version = `${await packageVersion()}.1`;
  const options = { arch: hostArch, compression: 'fast', addImages: [await makeDemoImage()], version } as const;
  return buildParts(await inputsOf(options), 'vm', createProgress(process.stderr));
}

/** An update with the root of `parts` under another version, whose kernel gets more words: the ways to go wrong. */
export async function variant(parts: Parts, name: string, words: string): Promise<{ version: string; folder: string }> {
  const { inputs, flavour, kernel, initrd, efi, slot, signer } = parts;
  const version = `${inputs.version}-${name}`;
  const common = { arch: inputs.arch, flavour, version, slot };
  const uki = await parts.stage(
    ukiStage({
      ...common,
      name: `uki-${name}`,
      ...{ kernel, initrd, efi },
      root: `PARTLABEL=knarr_${version}`,
      entries: [{ id: 'main', title: '', words }],
      secureBoot: undefined,
    }),
  );
  const folder = await parts.stage(updateStage({ ...common, kubernetes: 'v1.36.3', builtAt: 0, uki, signer }));
  return { version, folder };
}

/** An update of the daemon alone: the one of `parts`, or one that is a program of a few lines. */
export async function daemonUpdate(parts: Parts, version: string, program?: string): Promise<string> {
  const { inputs, signer } = parts;
  let { bundle } = parts;
  if (program !== undefined)
    bundle = await parts.stage({
      name: 'small-daemon',
      source: import.meta.filename,
      inputs: program,
      make: (into) => writeFile(join(into, 'knarr.mjs'), `#!/usr/lib/knarr/node\n${program}\n`, { mode: 0o755 }),
    });
  const common = { arch: inputs.arch, version, kubernetes: 'v1.36.3', builtAt: 0 };
  return parts.stage(daemonUpdateStage({ ...common, bundle, signer }));
}

/**
 * A disk that only is read, with folders by name in it: what they have in common (a root of some hundred megabytes) lies
 * there once. In the machine `mountUpdates` makes it /run/updates.
 */
export async function updatesDisk(folders: Readonly<Record<string, string>>, into: string): Promise<string> {
  const tree = join(into, 'updates');
  const file = join(into, 'updates.erofs');
  await rm(tree, { recursive: true, force: true });
  for (const [name, folder] of Object.entries(folders)) {
    await mkdir(join(tree, name), { recursive: true });
    for (const part of await readdir(folder)) await link(join(folder, part), join(tree, name, part));
  }
  await runInTools('mkfs.erofs', ['--quiet', file, tree]);
  await rm(tree, { recursive: true });
  return file;
}

/** The shell command by which a machine finds that disk. */
export const mountUpdates =
  'sudo mkdir -p /run/updates; for d in /dev/vd?; do sudo mount -t erofs -o ro $d /run/updates 2>/dev/null && break; done; ls /run/updates';
