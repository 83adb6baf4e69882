import { diskOutputs } from './disks.ts';
import type { Target } from './target.ts';

/** A disk for real machines: the kernel with all its drivers, firmware of network cards, microcode. */
export const metal: Target = {
  summary: 'a disk for real machines',
  flavour: 'metal',
  arches: ['amd64', 'arm64'],
  formats: ['raw'],
  make: diskOutputs,
};
