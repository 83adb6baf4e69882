import { join } from 'node:path';
import type { Parts } from '../parts.ts';
import { convertStage } from '../stages/convert.ts';
import { diskStage } from '../stages/disk.ts';
import type { DiskFormat, Output } from './target.ts';

/** The disk of a flavour; `firmware` is a folder of more files for its EFI system partition. */
export function diskOf(parts: Parts, firmware?: string): Promise<string> {
  const { inputs, flavour, slot, uki, efi, update } = parts;
  const { arch, version } = inputs;
  return parts.stage(
    diskStage({
      name: firmware === undefined ? `disk-${flavour}` : 'disk-rpi',
      ...{ arch, version, slot, uki, efi, update },
      ...(firmware === undefined ? {} : { firmware }),
    }),
  );
}

/** That disk in every form that is asked for. */
export async function diskOutputs(parts: Parts, formats: readonly DiskFormat[]): Promise<Output[]> {
  const disk = await diskOf(parts);
  const outputs: Output[] = [];
  for (const format of formats)
    outputs.push(
      format === 'raw'
        ? { from: join(disk, 'disk.raw'), name: '.raw', compress: true }
        : {
            from: join(await parts.stage(convertStage({ disk, format })), `disk.${format}`),
            name: `.${format}`,
            compress: format === 'vhd',
          },
    );
  return outputs;
}
