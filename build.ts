import { link, mkdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { updateLock } from './images/lock.ts';
import { type ImageInputs, packageVersion } from './images/parts.ts';
import type { Progress } from './images/setup/progress.ts';
import { pruneStages } from './images/stage.ts';
import type { Compression } from './images/stages/slot.ts';
import { buildVm, type VmImage } from './images/targets/vm.ts';
import { type Arch, hostArch, out } from './images/tools/paths.ts';
import { KnarrError } from './src/base/errors.ts';

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
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const path of [image.disk, image.kernel, image.initrd, image.cmdline, image.uki, image.root])
    await link(path, join(folder, basename(path)));
  await pruneStages(3);
  return image;
}

const usage = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });

const architectures: readonly Arch[] = ['amd64', 'arm64'];
const compressions: readonly Compression[] = ['fast', 'small'];

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((item) => item === value);
  if (found === undefined) throw usage(`--${name} is one of ${known.join(', ')}, not ${JSON.stringify(value)}`);
  return found;
}

/**
 * `npm run image -- [--target vm] [--arch amd64|arm64] [--compression fast|small] [--add-images FILE,…]` builds;
 * `npm run image -- lock` locks the Debian packages that the archive has now, for all architectures.
 */
export async function imageCommand(args: readonly string[], progress: Progress): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      target: { type: 'string', default: 'vm' },
      arch: { type: 'string', default: hostArch },
      compression: { type: 'string', default: 'small' },
      'add-images': { type: 'string', multiple: true, default: [] },
    },
  });
  if (positionals[0] === 'lock') {
    for (const arch of architectures)
      await progress.stage(`lock ${arch}`, async (say) => {
        const changed = await updateLock(arch);
        for (const line of changed) progress.note(`  ${line}`);
        say(`${changed.length} changed`);
      });
    return 0;
  }
  if (positionals.length > 0) throw usage(`no image command ${positionals.join(' ')}; there is lock`);
  const image = await buildImage(
    'vm',
    {
      arch: oneOf('arch', values.arch, architectures),
      compression: oneOf('compression', values.compression, compressions),
      addImages: values['add-images'].flatMap((list) => list.split(',')),
    },
    progress,
  );
  for (const [name, path] of Object.entries({
    disk: image.disk,
    kernel: image.kernel,
    initrd: image.initrd,
    'unified kernel image': image.uki,
    root: image.root,
  })) {
    const info = await stat(path);
    const megabytes = ((name === 'disk' ? info.blocks * 512 : info.size) / 1e6).toFixed(1);
    process.stdout.write(
      `  ${name.padEnd(21)} ${megabytes.padStart(7)} MB  ${join(out, image.arch, basename(path))}\n`,
    );
  }
  return 0;
}
