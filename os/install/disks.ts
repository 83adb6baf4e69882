import { stat } from 'node:fs/promises';
import type { Host } from '../../cloud-config/host.ts';
import { leastDiskSize } from '../disk/layout.ts';

/** What lsblk says of a device, as far as it is asked. */
interface Block {
  path: string;
  type: string;
  size: number;
  ro: boolean;
  model?: string | null;
  serial?: string | null;
  tran?: string | null;
  fstype?: string | null;
  label?: string | null;
  partlabel?: string | null;
  pttype?: string | null;
  mountpoints?: (string | null)[];
  children?: Block[];
}

export interface Disk {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Model, how it is attached, serial number: what a person knows it by. */
  readonly description: string;
  /** What is on it; empty: nothing that anybody would know. */
  readonly contents: readonly string[];
  /** Why it cannot be written whatever one says. */
  readonly unusable?: string;
}

const columns = 'PATH,TYPE,SIZE,RO,MODEL,SERIAL,TRAN,FSTYPE,LABEL,PARTLABEL,PTTYPE,MOUNTPOINTS';

/** A size as people write it: `8 GiB`. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

const all = (block: Block): Block[] => [block, ...(block.children ?? []).flatMap(all)];

function useOf(disk: Block): string | undefined {
  for (const block of all(disk)) {
    const mounted = block.mountpoints?.find((point) => point !== null && point !== undefined);
    if (mounted !== undefined && mounted !== null)
      return mounted === '[SWAP]' ? `${block.path} is swap` : `${block.path} is mounted on ${mounted}`;
    if (block !== disk && block.type !== 'part') return `${block.path} (${block.type}) is made of it`;
  }
  return undefined;
}

function contentsOf(disk: Block): string[] {
  const one = (block: Block): string[] => {
    const what = block.fstype ?? undefined;
    const name = block.label || block.partlabel || undefined;
    if (what === undefined && name === undefined) return [];
    return [[what ?? 'partition', name === undefined ? '' : `"${name}"`].filter((word) => word !== '').join(' ')];
  };
  const parts = (disk.children ?? []).flatMap(one);
  const partitions = (disk.children ?? []).length;
  return [
    ...one(disk),
    ...parts,
    ...(parts.length === 0 && partitions > 0 ? [`${partitions} partitions`] : []),
    ...(partitions === 0 && disk.pttype ? [`a partition table (${disk.pttype})`] : []),
  ];
}

/** The disks in what `lsblk --json --bytes` printed, in its order. */
export function disksOf(blocks: readonly Block[]): Disk[] {
  return blocks
    .filter(({ type, path }) => type === 'disk' && !/^\/dev\/(ram|zram|fd|nbd|mtdblock)/.test(path))
    .map((block) => {
      const use = useOf(block);
      const unusable =
        use !== undefined
          ? `in use: ${use}`
          : block.ro
            ? 'it cannot be written to'
            : block.size < leastDiskSize
              ? `too small: it has ${sizeText(block.size)}, at least ${sizeText(leastDiskSize)} are needed`
              : undefined;
      const words = [block.model, block.tran, block.serial].map((word) => word?.trim() ?? '');
      return {
        path: block.path,
        size: block.size,
        description: words.filter((word) => word !== '').join(' '),
        contents: contentsOf(block),
        ...(unusable === undefined ? {} : { unusable }),
      };
    });
}

async function lsblk(host: Host, devices: readonly string[]): Promise<Disk[]> {
  const { stdout } = await host.run('lsblk', ['--json', '--bytes', '--tree', '--output', columns, ...devices]);
  return disksOf((JSON.parse(stdout) as { blockdevices: Block[] }).blockdevices);
}

/** All disks of this machine that could be thought of, those that cannot be used with the reason. */
export const listDisks = (host: Host): Promise<Disk[]> => lsblk(host, []);

/** The disk that somebody named: a device, or a file that stands for one. Undefined: it is neither. */
export async function findDisk(host: Host, path: string): Promise<Disk | undefined> {
  const info = await stat(host.path(path)).catch(() => undefined);
  if (info?.isBlockDevice()) {
    const [disk] = await lsblk(host, [path]);
    return disk;
  }
  if (!info?.isFile()) return undefined;
  const { stdout } = await host.run('wipefs', ['--json', host.path(path)]);
  const signatures = stdout.trim() === '' ? [] : (JSON.parse(stdout) as { signatures: { type: string }[] }).signatures;
  return {
    path,
    size: info.size,
    description: 'file',
    contents: [...new Set(signatures.map(({ type }) => type))],
    ...(info.size < leastDiskSize
      ? { unusable: `too small: it has ${sizeText(info.size)}, at least ${sizeText(leastDiskSize)} are needed` }
      : {}),
  };
}
