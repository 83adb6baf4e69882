import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type SecureBootKeys, signEfi } from '../secure-boot.ts';
import type { Stage } from '../stage.ts';
import type { Arch } from '../tools/paths.ts';
import { run } from '../tools/patient-run.ts';

/** The architecture in the names of EFI programs. */
export const efiName = { amd64: 'x64', arm64: 'aa64' } as const;

/** The boot loader's file name, in its package as in a root. */
export const bootLoader = (arch: Arch): string => `systemd-boot${efiName[arch]}.efi`;

/** What runs before the kernel, of the image's architecture: systemd-boot and the stub of unified kernel images. */
export function efiStage(arch: Arch, systemdBoot: string, secureBoot: SecureBootKeys | undefined): Stage {
  return {
    name: `efi-${arch}`,
    source: import.meta.filename,
    inputs: [basename(systemdBoot), secureBoot?.digest],
    async make(into) {
      const from = join(into, 'package');
      await mkdir(from);
      await run('dpkg-deb', ['-x', systemdBoot, from]);
      const folder = join(from, 'usr/lib/systemd/boot/efi');
      for (const name of await readdir(folder)) await copyFile(join(folder, name), join(into, name));
      await rm(from, { recursive: true });
      if (secureBoot !== undefined) await signEfi(join(into, bootLoader(arch)), secureBoot);
    },
  };
}
