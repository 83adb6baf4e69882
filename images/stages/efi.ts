import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../../src/base/run.ts';
import type { Stage } from '../stage.ts';
import type { Arch } from '../tools/paths.ts';

/** What runs before the kernel, of the image's architecture: systemd-boot and the stub of unified kernel images. */
export function efiStage(arch: Arch, systemdBoot: string): Stage {
  return {
    name: `efi-${arch}`,
    source: import.meta.filename,
    inputs: [basename(systemdBoot)],
    async make(into) {
      const from = join(into, 'package');
      await mkdir(from);
      await run('dpkg-deb', ['-x', systemdBoot, from]);
      const folder = join(from, 'usr/lib/systemd/boot/efi');
      for (const name of await readdir(folder)) await copyFile(join(folder, name), join(into, name));
      await rm(from, { recursive: true });
    },
  };
}
