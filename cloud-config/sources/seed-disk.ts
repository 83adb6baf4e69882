import { mkdir, open, readdir } from 'node:fs/promises';
import type { Host } from '../host.ts';

/**
 * The label of a file system in the first bytes of a device: ISO 9660's volume identifier, FAT's label in its boot
 * sector (FAT12/16 at 43, FAT32 at 71), or ext's in its superblock; empty where it is none of them.
 */
export function volumeLabel(head: Buffer): string {
  const text = (from: number, length: number): string => head.toString('latin1', from, from + length).trim();
  if (text(32769, 5) === 'CD001') return text(32808, 32);
  if (text(54, 3) === 'FAT') return text(43, 11);
  if (text(82, 5) === 'FAT32') return text(71, 11);
  if (head.readUInt16LE(1080) === 0xef53) return text(1144, 16).replace(/\0.*$/, '');
  return '';
}

async function labelOf(device: string): Promise<string> {
  const file = await open(device, 'r');
  try {
    const head = Buffer.alloc(34816);
    await file.read(head, 0, head.length, 0);
    return volumeLabel(head);
  } finally {
    await file.close();
  }
}

/** The device of the volume with this label, in whatever case. */
export async function findLabelled(host: Host, label: string): Promise<string | undefined> {
  for (const name of (await readdir(host.path('/sys/class/block')).catch(() => [])).sort())
    if ((await labelOf(host.path(`/dev/${name}`)).catch(() => '')).toLowerCase() === label) return `/dev/${name}`;
  return undefined;
}

const mountPoint = '/run/knarr/seed';

/** Gives the folder in which the device is seen, for as long as `use` takes. */
export async function withMounted<T>(host: Host, device: string, use: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(host.path(mountPoint), { recursive: true });
  await host.run('mount', ['-o', 'ro', host.path(device), host.path(mountPoint)]);
  try {
    return await use(mountPoint);
  } finally {
    await host.run('umount', [host.path(mountPoint)]);
  }
}
