import { basename, join } from 'node:path';
import type { Stage } from '../stage.ts';
import type { DiskFormat } from '../targets/target.ts';
import { runInTools } from '../tools/chroot.ts';

/** How qemu-img writes a form of disk: its driver, and options by which the hypervisors that read it are content. */
const drivers: Record<Exclude<DiskFormat, 'raw'>, readonly string[]> = {
  qcow2: ['-O', 'qcow2', '-c', '-o', 'compat=1.1,compression_type=zstd'],
  vmdk: ['-O', 'vmdk', '-o', 'subformat=streamOptimized,adapter_type=lsilogic'],
  vhd: ['-O', 'vpc', '-o', 'subformat=fixed,force_size=on'],
};

/** `disk.<format>` of a raw disk. */
export function convertStage(options: { disk: string; format: Exclude<DiskFormat, 'raw'> }): Stage {
  const { disk, format } = options;
  return {
    name: `disk-${format}`,
    source: import.meta.filename,
    inputs: [basename(disk), drivers[format]],
    async make(into) {
      const output = join(into, `disk.${format}`);
      await runInTools('qemu-img', ['convert', '-f', 'raw', ...drivers[format], join(disk, 'disk.raw'), output]);
    },
  };
}
