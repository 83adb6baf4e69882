import { basename } from 'node:path';
import { KnarrError } from '../src/base/errors.ts';

/** Modules that find and mount a root, wherever it is; what they need comes with them. What a kernel lacks is left out. */
export const initrdModules = [
  ...['erofs', 'squashfs', 'overlay', 'ext4', 'isofs', 'loop', 'dm-verity'],
  ...['sha256_generic', 'sha256_ssse3', 'sha256_ce', 'sha2-ce', 'sha256-arm64'],
  ...['virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_scsi', 'virtio_net'],
  ...['sd_mod', 'sr_mod', 'ahci', 'ata_piix', 'ata_generic', 'nvme', 'hv_storvsc', 'hv_netvsc'],
  ...['xen-blkfront', 'xen-netfront', 'vmw_pvscsi', 'vmxnet3', 'mptspi', 'mptsas', 'megaraid_sas', 'mpt3sas', 'hpsa'],
  ...['mmc_block', 'sdhci-pci', 'sdhci-acpi', 'sdhci-iproc', 'bcm2835', 'bcm2835-rng', 'bcm2835-mmc'],
  ...['usb-storage', 'uas', 'xhci-pci', 'ehci-pci', 'ohci-pci', 'uhci-hcd', 'pcie-brcmstb', 'reset-raspberrypi'],
  ...['clk-raspberrypi', 'gpio-regulator', 'raspberrypi-power', 'phy-brcm-usb-drv', 'bcm2711_thermal'],
] as const;

/** Folders of a kernel's modules that a root fetched over the network may need a driver of. */
export const networkModules = ['drivers/net/ethernet', 'drivers/net/phy', 'drivers/net/usb'] as const;

const plain = (path: string): string =>
  basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');

/** What depmod writes of a kernel's modules, and which of them are no files. */
export interface ModuleTables {
  readonly dep: string;
  readonly builtin: string;
  /** What a module asks for by name when it starts: `softdep libcrc32c pre: crc32c`. */
  readonly softdep?: string;
  /** Which modules answer to such a name. */
  readonly alias?: string;
}

const linesOf = (text: string): string[][] => text.split('\n').map((line) => line.trim().split(/\s+/));

/** The names that each module asks for, before or after its own start. */
function askedBy(softdep: string): Map<string, string[]> {
  const asked = new Map<string, string[]>();
  for (const [word, module = '', ...rest] of linesOf(softdep))
    if (word === 'softdep') asked.set(plain(module), [...(asked.get(plain(module)) ?? []), ...rest]);
  return asked;
}

/**
 * The files of `names` (modules, or folders under `kernel/`) and of what they need: by modules.dep, and by what they ask
 * for when they start, for without it they do not. Names that are built into the kernel or unknown to it are left out, but
 * for the root's file system.
 */
export function moduleFiles(tables: ModuleTables, names: readonly string[]): string[] {
  const { dep, builtin, softdep = '', alias = '' } = tables;
  const needs = new Map<string, string[]>();
  const pathOf = new Map<string, string>();
  for (const line of dep.split('\n')) {
    const [path, rest = ''] = line.split(':');
    if (!path) continue;
    pathOf.set(plain(path), path);
    needs.set(
      path,
      rest.split(' ').filter((word) => word !== ''),
    );
  }
  const asked = askedBy(softdep);
  const answering = (name: string): string[] => [
    name,
    ...linesOf(alias).flatMap(([word, of, module = '']) => (word === 'alias' && of === name ? [module] : [])),
  ];
  const inside = new Set(builtin.split('\n').map(plain));
  const found = new Set<string>();
  const add = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const need of needs.get(path) ?? []) add(need);
    for (const name of (asked.get(plain(path)) ?? []).flatMap(answering)) {
      const other = pathOf.get(plain(name));
      if (other !== undefined) add(other);
    }
  };
  for (const name of names) {
    const path = pathOf.get(plain(name));
    if (name.includes('/')) for (const one of needs.keys()) one.startsWith(`kernel/${name}/`) && add(one);
    else if (path !== undefined) add(path);
    else if (!inside.has(plain(name)) && name === 'erofs')
      throw new KnarrError({ code: 'no-module', blame: 'bug', message: `the kernel has no module ${name}` });
  }
  return [...found].sort();
}
