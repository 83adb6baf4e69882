import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { partitionDefinitions } from '../../os/disk/layout.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, clone } from '../tools/paths.ts';

const efiName = { amd64: 'x64', arm64: 'aa64' } as const;
/** `disk.raw`: GPT with the EFI system partition (boot loader, unified kernel image), the first slot, an empty second. */
export function diskStage(options: { arch: Arch; version: string; slot: string; uki: string; efi: string }): Stage {
  const { arch, version, slot, uki, efi } = options;
  return {
    name: `disk-${arch}`,
    source: import.meta.filename,
    files: [join(clone, 'os/disk/layout.ts')],
    inputs: [version, basename(slot), basename(uki), basename(efi)],
    async make(into) {
      const esp = join(into, 'esp');
      for (const folder of ['EFI/BOOT', 'EFI/Linux', 'EFI/systemd', 'loader'])
        await mkdir(join(esp, folder), { recursive: true });
      await copyFile(
        join(efi, `systemd-boot${efiName[arch]}.efi`),
        join(esp, `EFI/BOOT/BOOT${efiName[arch].toUpperCase()}.EFI`),
      );
      await copyFile(join(uki, 'knarr.efi'), join(esp, `EFI/Linux/knarr_${version}.efi`));
      await writeFile(join(esp, 'loader/loader.conf'), 'timeout 0\n');
      const folder = join(into, 'repart.d');
      await mkdir(folder);
      const partition = (await readFile(join(slot, 'partition-uuid'), 'utf8')).trim();
      const files = partitionDefinitions({ arch, version, root: join(slot, 'root.erofs'), partition, esp });
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      await runInTools(
        'systemd-repart',
        [
          '--empty=create',
          '--size=auto',
          '--sector-size=512',
          '--offline=yes',
          '--dry-run=no',
          '--no-pager',
          `--seed=${partition}`,
          `--definitions=${folder}`,
          join(into, 'disk.raw'),
        ],
        { env: { SOURCE_DATE_EPOCH: '0' } },
      );
      await rm(esp, { recursive: true });
    },
  };
}
