import { link, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type UpdateManifest, updateFormat } from '../../os/update/manifest.ts';
import { sha256OfFile } from '../apt.ts';
import type { Flavour } from '../packages.ts';
import type { Stage } from '../stage.ts';
import type { Arch } from '../tools/paths.ts';
import { type UpdateSigner, writeSigned } from '../update-key.ts';
import { readFacts } from './uki.ts';

/**
 * A signed update, the form in which a machine takes a new version and an installer the first: `manifest.json`,
 * `manifest.json.sig`, `root.img`, `knarr.efi` (os/update/manifest.ts).
 */
export function updateStage(options: {
  arch: Arch;
  flavour: Flavour;
  version: string;
  kubernetes: string;
  builtAt: number;
  slot: string;
  uki: string;
  signer: UpdateSigner;
}): Stage {
  const { arch, flavour, version, kubernetes, builtAt, slot, uki, signer } = options;
  return {
    name: `update-${flavour}-${arch}`,
    source: import.meta.filename,
    inputs: [version, kubernetes, builtAt, flavour, [slot, uki].map((path) => basename(path)), signer.publicKey],
    async make(into) {
      await link(join(slot, 'root.img'), join(into, 'root.img'));
      await link(join(uki, 'knarr.efi'), join(into, 'knarr.efi'));
      const file = async <Role extends 'root' | 'uki'>(role: Role, name: string) => {
        const path = join(into, name);
        return { role, name, size: (await stat(path)).size, sha256: await sha256OfFile(path) };
      };
      const { rootHash, partition } = await readFacts(slot);
      const manifest: UpdateManifest & { flavour: Flavour } = {
        format: updateFormat,
        version,
        arch,
        flavour,
        kubernetes,
        builtAt,
        rootHash,
        partition,
        files: [await file('root', 'root.img'), await file('uki', 'knarr.efi')],
      };
      await writeSigned(into, manifest, signer);
    },
  };
}
