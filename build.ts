import { link, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type ImageInputs, packageVersion } from './images/parts.ts';
import type { Progress } from './images/setup/progress.ts';
import { pruneStages } from './images/stage.ts';
import type { Compression } from './images/stages/slot.ts';
import { buildVm, type VmImage } from './images/targets/vm.ts';
import { withBuildLock } from './images/tools/build-lock.ts';
import { type Arch, out } from './images/tools/paths.ts';

export interface BuildOptions {
  arch: Arch;
  compression: Compression;
  /** Archives of container images that the image brings along. */
  addImages: readonly string[];
  /** Default: package.json's. */
  version?: string;
}

/** Everything that decides what an image is, what is left out as usual. */
export const inputsOf = async (options: BuildOptions): Promise<ImageInputs> => ({
  arch: options.arch,
  version: options.version ?? (await packageVersion()),
  compression: options.compression,
  additions: { images: options.addImages, overlays: [], config: undefined },
  packages: [],
  signKey: undefined,
  secureBoot: undefined,
});

/** Builds the image for virtual machines, and links what it made into `build/out/<arch>/`. */
export async function buildImage(_target: 'vm', options: BuildOptions, progress: Progress): Promise<VmImage> {
  const image = await buildVm(await inputsOf(options), progress);
  const folder = join(out, options.arch);
  await withBuildLock(`out-${options.arch}`, progress.note, async () => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const path of [image.disk, image.kernel, image.initrd, image.cmdline, image.uki, image.root])
      await link(path, join(folder, basename(path)));
  });
  await pruneStages(3);
  return image;
}
