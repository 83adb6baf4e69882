import { join } from 'node:path';
import { manifestName, signatureName } from '../../os/update/manifest.ts';
import type { Target } from './target.ts';

/** What `knarr upgrade` takes: the folder, or its files in one tar. */
export const update: Target = {
  summary: 'a signed update for machines that run (flavour vm; --flavour metal for real ones)',
  flavour: 'vm',
  arches: ['amd64', 'arm64'],
  folder: true,
  make: async (parts) =>
    [manifestName, signatureName, 'knarr.efi', 'root.img'].map((name) => ({ from: join(parts.update, name), name })),
};
