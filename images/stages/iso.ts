import { copyFile, link, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeEspTree } from '../../os/disk/esp-tree.ts';
import type { Flavour } from '../packages.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import { type Arch, clone, toolsTree } from '../tools/paths.ts';
import { bootLoader } from './efi.ts';
import { commandLine, isoEntries, readFacts } from './uki.ts';

/** The volume's name, by which the initrd finds it: ISO 9660 has 32 capital letters, digits and `_`. */
export const volumeName = (version: string): string =>
  `KNARR_${version.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`.slice(0, 32);

/** A FAT file system, `efi.img`, with the folder's content. */
async function fatOf(folder: string, image: string, epoch: string): Promise<void> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    names.filter((entry) => entry.isFile()).map(async (e) => (await stat(join(e.parentPath, e.name))).size),
  );
  const kibibytes = Math.ceil(sizes.reduce((sum, size) => sum + size + 8192, 0) / 1024) + 1024;
  const env = { SOURCE_DATE_EPOCH: epoch, MTOOLS_SKIP_CHECK: '1' };
  await runInTools('mkfs.vfat', ['-C', '--invariant', '-i', '4b4e4152', '-n', 'KNARR_EFI', image, String(kibibytes)], {
    env,
  });
  const tops = (await readdir(folder)).sort().map((name) => join(folder, name));
  await runInTools('mcopy', ['-s', '-b', '-i', image, ...tops, '::'], { env });
}

/** The boot menu of machines without UEFI, by isolinux. */
async function writeIsolinux(
  folder: string,
  options: { version: string; line: string; title: (id: string) => string },
): Promise<void> {
  const { version, line, title } = options;
  await mkdir(folder, { recursive: true });
  await copyFile(join(toolsTree, 'usr/lib/ISOLINUX/isolinux.bin'), join(folder, 'isolinux.bin'));
  for (const name of ['ldlinux.c32', 'libutil.c32', 'menu.c32'])
    await copyFile(join(toolsTree, 'usr/lib/syslinux/modules/bios', name), join(folder, name));
  const entries = isoEntries.map(({ id, words }) =>
    [
      `LABEL ${id}`,
      `  MENU LABEL ${title(id)}`,
      '  LINUX /boot/kernel',
      '  INITRD /boot/initrd',
      `  APPEND ${line} ${words}`,
    ].join('\n'),
  );
  const head = `SERIAL 0 115200\nUI menu.c32\nMENU TITLE Knarr ${version}\nDEFAULT ${isoEntries[0]?.id}\nTIMEOUT 50\n`;
  await writeFile(join(folder, 'isolinux.cfg'), `${head}\n${entries.join('\n\n')}\n`);
}

/**
 * `knarr.iso`: boots by UEFI (systemd-boot in a FAT partition), and on amd64 by BIOS (isolinux), from a CD as from a USB
 * stick; in `knarr/` it has the update that it runs and installs.
 */
export function isoStage(options: {
  arch: Arch;
  flavour: Flavour;
  version: string;
  kernel: string;
  initrd: string;
  efi: string;
  slot: string;
  uki: string;
  update: string;
  builtAt: number;
}): Stage {
  const { arch, flavour, version, kernel, initrd, efi, slot, uki, update, builtAt } = options;
  return {
    name: `iso-${flavour}-${arch}`,
    source: import.meta.filename,
    inputs: [version, builtAt, ...[kernel, initrd, efi, slot, uki, update].map((path) => basename(path))],
    files: [join(clone, 'os/disk/esp-tree.ts')],
    async make(into) {
      // FAT knows no time before 1980
      const epoch = String(Math.max(builtAt, 315_532_800));
      const esp = join(into, 'esp');
      await makeEspTree({
        into: esp,
        arch,
        version,
        bootLoader: join(efi, bootLoader(arch)),
        uki: join(uki, 'knarr.efi'),
      });
      await writeFile(join(esp, 'loader/loader.conf'), 'timeout 5\n');
      await fatOf(esp, join(into, 'efi.img'), epoch);
      const tree = join(into, 'tree');
      await mkdir(join(tree, 'knarr'), { recursive: true });
      for (const name of await readdir(update)) await link(join(update, name), join(tree, 'knarr', name));
      const bios = arch === 'amd64';
      if (bios) {
        await mkdir(join(tree, 'boot'));
        await link(join(kernel, 'kernel'), join(tree, 'boot/kernel'));
        await link(join(initrd, 'initrd'), join(tree, 'boot/initrd'));
        const line = commandLine({ arch, flavour, root: `LABEL=${volumeName(version)}`, facts: await readFacts(slot) });
        const title = (id: string): string => `Knarr ${version} (${isoEntries.find((e) => e.id === id)?.title})`;
        await writeIsolinux(join(tree, 'isolinux'), { version, line, title });
      }
      await runInTools(
        'xorriso',
        [
          ...['-as', 'mkisofs', '-quiet', '-r', '-iso-level', '3', '-V', volumeName(version)],
          ...(bios
            ? [
                ...['-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat', '-no-emul-boot', '-boot-load-size', '4'],
                ...['-boot-info-table', '-isohybrid-mbr', '/usr/lib/ISOLINUX/isohdpfx.bin', '-eltorito-alt-boot'],
              ]
            : []),
          ...['-append_partition', '2', '0xef', join(into, 'efi.img')],
          ...['-e', '--interval:appended_partition_2:all::', '-no-emul-boot'],
          ...['--set_all_file_dates', `=${epoch}`, '-o', join(into, 'knarr.iso'), tree],
        ],
        { env: { SOURCE_DATE_EPOCH: epoch } },
      );
      for (const name of ['esp', 'tree', 'efi.img']) await rm(join(into, name), { recursive: true });
    },
  };
}
