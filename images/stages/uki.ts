import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';

const efiArch = { amd64: 'x64', arm64: 'aa64' } as const;
const console_ = { amd64: 'ttyS0', arm64: 'ttyAMA0' } as const;

/** The kernel's command line for a slot. */
export function commandLine(arch: Arch, version: string): string {
  return `root=PARTLABEL=knarr_${version} console=tty0 console=${console_[arch]} quiet systemd.show_status=auto`;
}

/** The unified kernel image of a slot, `knarr.efi`, and its `cmdline` beside it for those who boot the kernel directly. */
export function ukiStage(options: { arch: Arch; version: string; base: string; initrd: string; efi: string }): Stage {
  const { arch, version, base, initrd, efi } = options;
  return {
    name: `uki-${arch}`,
    source: import.meta.filename,
    inputs: [version, ...[base, initrd, efi].map((path) => basename(path))],
    async make(into) {
      const cmdline = commandLine(arch, version);
      await writeFile(join(into, 'cmdline'), cmdline);
      const release = join(into, 'os-release');
      await writeFile(
        release,
        `ID=knarr\nNAME=Knarr\nPRETTY_NAME="Knarr ${version}"\nVERSION_ID="${version}"\nVERSION="${version}"\n`,
      );
      await runInTools('ukify', [
        'build',
        `--linux=${join(base, 'kernel')}`,
        `--initrd=${join(initrd, 'initrd')}`,
        `--cmdline=@${join(into, 'cmdline')}`,
        `--os-release=@${release}`,
        `--uname=${version}`,
        `--stub=${join(efi, `linux${efiArch[arch]}.efi.stub`)}`,
        `--output=${join(into, 'knarr.efi')}`,
      ]);
    },
  };
}
