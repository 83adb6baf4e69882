import { join } from 'node:path';
import { manifestName, signatureName } from '../../os/update/manifest.ts';
import { pxeStage } from '../stages/pxe.ts';
import type { Target } from './target.ts';

/** Kernel, initrd, command line and an iPXE script for network boot; the root comes by HTTP from the same folder. */
export const pxe: Target = {
  summary: 'kernel, initrd and command line for network boot, with the update that can be installed from it',
  flavour: 'metal',
  arches: ['amd64', 'arm64'],
  folder: true,
  async make(parts) {
    const { inputs, flavour, kernel, slot } = parts;
    const made = await parts.stage(pxeStage({ arch: inputs.arch, flavour, slot }));
    return [
      { from: join(kernel, 'kernel'), name: 'kernel' },
      { from: join(await parts.networkInitrd(), 'initrd'), name: 'initrd' },
      ...['cmdline', 'boot.ipxe'].map((name) => ({ from: join(made, name), name })),
      ...[manifestName, signatureName, 'knarr.efi', 'root.img'].map((name) => ({
        from: join(parts.update, name),
        name,
      })),
    ];
  },
};
