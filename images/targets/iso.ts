import { join } from 'node:path';
import { isoStage, volumeName } from '../stages/iso.ts';
import { isoEntries, ukiStage } from '../stages/uki.ts';
import type { Target } from './target.ts';

/** A CD or USB stick that runs, installs and rescues; what it installs is the update on it. */
export const iso: Target = {
  summary: 'a CD or USB stick to run from, to install from and to rescue with',
  flavour: 'metal',
  arches: ['amd64', 'arm64'],
  async make(parts) {
    const { inputs, flavour, kernel, initrd, efi, slot, update } = parts;
    const { arch, version, secureBoot } = inputs;
    const root = `LABEL=${volumeName(version)}`;
    const uki = await parts.stage(
      ukiStage({
        name: `uki-iso-${flavour}`,
        ...{ arch, flavour, version, kernel, initrd, efi, slot, root, entries: isoEntries, secureBoot },
      }),
    );
    const made = await parts.stage(
      isoStage({ arch, flavour, version, kernel, initrd, efi, slot, uki, update, builtAt: parts.builtAt }),
    );
    return [{ from: join(made, 'knarr.iso'), name: '.iso' }];
  },
};
