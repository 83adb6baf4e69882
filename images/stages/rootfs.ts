import { basename, join } from 'node:path';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';

/** `root.tar` of a whole root: sorted, without times. */
export function rootfsStage(options: { arch: Arch; system: string }): Stage {
  const { arch, system } = options;
  return {
    name: `rootfs-${arch}`,
    source: import.meta.filename,
    inputs: [basename(system)],
    async make(into) {
      const options = ['--sort=name', '--mtime=@0', '--numeric-owner', '--format=gnu'];
      await runInTools('tar', ['-c', ...options, '-f', join(into, 'root.tar'), '-C', join(system, 'root'), '.']);
    },
  };
}
