import { join } from 'node:path';
import { fetchLocked } from '../lock.ts';
import type { Progress } from '../setup/progress.ts';
import { runStage } from '../stage.ts';
import { baseStage } from '../stages/base.ts';
import { bundleStage } from '../stages/bundle.ts';
import { diskStage } from '../stages/disk.ts';
import { efiStage } from '../stages/efi.ts';
import { initrdStage } from '../stages/initrd.ts';
import { nodeStage, nodeVersion } from '../stages/node.ts';
import { type Compression, slotStage } from '../stages/slot.ts';
import { systemStage } from '../stages/system.ts';
import { ukiStage } from '../stages/uki.ts';
import type { Arch } from '../tools/paths.ts';

export interface VmImage {
  arch: Arch;
  version: string;
  /** The whole disk, raw. */
  disk: string;
  /** For machines that boot the kernel directly. */
  kernel: string;
  initrd: string;
  cmdline: string;
  /** Both and the kernel in one file, as the boot loader starts it. */
  uki: string;
  /** The slot's content alone. */
  root: string;
}

/** Builds the image for virtual machines. */
export async function buildVm(
  options: { arch: Arch; version: string; compression: Compression; addImages: readonly string[] },
  progress: Progress,
): Promise<VmImage> {
  const { arch, version, compression, addImages } = options;
  const { lock, files } = await progress.stage(`packages-${arch}`, (say) =>
    fetchLocked(arch, { say, warn: progress.note }),
  );
  const beside = (name: string): string => files.beside[lock.beside.findIndex((p) => p.name === name)] ?? name;
  const stage = (made: Parameters<typeof runStage>[0]): Promise<string> => runStage(made, progress);

  const base = await stage(baseStage({ arch, packages: lock.root, files: files.root }));
  const initrd = await stage(initrdStage({ arch, base, busybox: beside('busybox-static') }));
  const efi = await stage(efiStage(arch, beside('systemd-boot-efi')));
  const node = await stage(nodeStage(arch, await nodeVersion(arch)));
  const bundle = await stage(bundleStage(arch));
  const system = await stage(systemStage({ arch, version, base, node, bundle, addImages }));
  const slot = await stage(slotStage({ arch, system, compression }));
  const uki = await stage(ukiStage({ arch, version, base, initrd, efi }));
  const disk = await stage(diskStage({ arch, version, slot, uki, efi }));
  return {
    arch,
    version,
    disk: join(disk, 'disk.raw'),
    kernel: join(base, 'kernel'),
    initrd: join(initrd, 'initrd'),
    cmdline: join(uki, 'cmdline'),
    uki: join(uki, 'knarr.efi'),
    root: join(slot, 'root.erofs'),
  };
}
