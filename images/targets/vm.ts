import { join } from 'node:path';
import type { Flavour } from '../packages.ts';
import { buildParts, type ImageInputs } from '../parts.ts';
import type { Progress } from '../setup/progress.ts';
import { readFacts } from '../stages/uki.ts';
import type { Arch } from '../tools/paths.ts';
import { diskOf, diskOutputs } from './disks.ts';
import { diskFormats, type Target } from './target.ts';

/** An image as machines for trying out and for tests boot it. */
export interface VmImage {
  arch: Arch;
  version: string;
  /** The whole disk, raw. */
  disk: string;
  /** For machines that boot the kernel directly. */
  kernel: string;
  initrd: string;
  cmdline: string;
  /** Both and the kernel in one file, as the boot loader starts it. */
  uki: string;
  /** The slot's content alone: the file system, its tree of hashes appended. */
  root: string;
  rootHash: string;
  /** A folder with the signed update to this version (os/update/manifest.ts). */
  update: string;
}

/** A disk for virtual machines and clouds: a small kernel, no firmware. */
export const vm: Target = {
  summary: 'a disk for virtual machines and clouds',
  flavour: 'vm',
  arches: ['amd64', 'arm64'],
  formats: diskFormats,
  make: diskOutputs,
};

/** Builds a disk that virtual machines start from: their own kind, or that of real machines. */
export async function buildVm(inputs: ImageInputs, progress: Progress, flavour: Flavour = 'vm'): Promise<VmImage> {
  const parts = await buildParts(inputs, flavour, progress);
  const disk = await diskOf(parts);
  return {
    arch: inputs.arch,
    version: inputs.version,
    disk: join(disk, 'disk.raw'),
    kernel: join(parts.kernel, 'kernel'),
    initrd: join(parts.initrd, 'initrd'),
    cmdline: join(parts.uki, 'cmdline'),
    uki: join(parts.uki, 'knarr.efi'),
    root: join(parts.slot, 'root.img'),
    rootHash: (await readFacts(parts.slot)).rootHash,
    update: parts.update,
  };
}
