import { join } from 'node:path';
import { daemonArchive } from '../../os/daemon/manifest.ts';
import { manifestName, signatureName } from '../../os/update/manifest.ts';
import { daemonUpdateStage } from '../stages/daemon-update.ts';
import type { Target } from './target.ts';

/** What `knarr upgrade --daemon` takes. */
export const daemon: Target = {
  summary: 'a signed update of the daemon alone, for machines that run',
  flavour: 'vm',
  arches: ['amd64', 'arm64'],
  folder: true,
  without: ['flavour', 'config', 'add-images', 'package', 'overlay', 'secure-boot-key', 'secure-boot-cert'],
  async make({ inputs, bundle, signer, kubernetes, builtAt, stage }) {
    const { arch, version } = inputs;
    const folder = await stage(daemonUpdateStage({ arch, version, kubernetes, builtAt, bundle, signer }));
    return [manifestName, signatureName, daemonArchive].map((name) => ({ from: join(folder, name), name }));
  },
};
