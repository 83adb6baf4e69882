import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type DaemonManifest, daemonArchive, daemonFormat } from '../../os/daemon/manifest.ts';
import { sha256OfFile } from '../apt.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';
import { type UpdateSigner, writeSigned } from '../update-key.ts';

/** A signed update of the daemon alone: `manifest.json`, `manifest.json.sig`, `daemon.tar` (os/daemon/manifest.ts). */
export function daemonUpdateStage(options: {
  arch: Arch;
  version: string;
  kubernetes: string;
  builtAt: number;
  /** The folder of the bundle. */
  bundle: string;
  signer: UpdateSigner;
}): Stage {
  const { arch, version, kubernetes, builtAt, bundle, signer } = options;
  return {
    name: `daemon-update-${arch}`,
    source: import.meta.filename,
    inputs: [version, kubernetes, builtAt, basename(bundle), signer.publicKey],
    async make(into) {
      const archive = join(into, daemonArchive);
      const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
      const order = ['--format=ustar', '--sort=name', '--mtime=@0'];
      await runInTools('tar', ['-C', bundle, ...order, ...owner, '-cf', archive, '.']);
      const { size } = await stat(archive);
      const manifest: DaemonManifest = {
        format: daemonFormat,
        version,
        arch,
        kubernetes,
        builtAt,
        files: [{ role: 'daemon', name: daemonArchive, size, sha256: await sha256OfFile(archive) }],
      };
      await writeSigned(into, manifest, signer);
    },
  };
}
