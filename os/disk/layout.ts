import type { UpdateArch } from '../update/manifest.ts';

const mebibyte = 2 ** 20;

/** The partitions that the slots need besides /var, in bytes. A slot holds twice of what a root takes today. */
const partitionSizes = { esp: 200 * mebibyte, slot: 512 * mebibyte, leastVar: 512 * mebibyte } as const;

/** What a disk must have at least: all partitions, and room for two copies of the table. */
export const leastDiskSize = partitionSizes.esp + 2 * partitionSizes.slot + partitionSizes.leastVar + 4 * mebibyte;

export const varLabel = 'var';

const rootType = { amd64: 'root-x86-64', arm64: 'root-arm64' } as const;

export interface Layout {
  readonly arch: UpdateArch;
  readonly version: string;
  /** The file, or the partition, whose content becomes the first slot. */
  readonly root: string;
  /** The first slot's partition UUID. */
  readonly partition: string;
  /** The folder that becomes the EFI system partition. */
  readonly esp: string;
  /** The folder that becomes /var. Undefined: the first boot makes it. */
  readonly var?: string;
}

/** The partitions of a disk, as systemd-repart's definitions by file name: of images and of what is installed alike. */
export function partitionDefinitions({ arch, version, root, partition, esp, ...rest }: Layout): Record<string, string> {
  const sized = (bytes: number): string => `SizeMinBytes=${bytes}\nSizeMaxBytes=${bytes}\n`;
  const slot = sized(partitionSizes.slot);
  return {
    '10-esp.conf': `[Partition]\nType=esp\nFormat=vfat\nCopyFiles=${esp}:/\n${sized(partitionSizes.esp)}`,
    '20-root-a.conf': `[Partition]\nType=${rootType[arch]}\nLabel=knarr_${version}\nUUID=${partition}\nReadOnly=yes\nCopyBlocks=${root}\n${slot}`,
    '30-root-b.conf': `[Partition]\nType=${rootType[arch]}\nLabel=_empty\n${slot}`,
    ...(rest.var === undefined
      ? {}
      : {
          '50-var.conf': `[Partition]\nType=linux-generic\nLabel=${varLabel}\nFormat=ext4\nCopyFiles=${rest.var}:/\nSizeMinBytes=${partitionSizes.leastVar}\n`,
        }),
  };
}
