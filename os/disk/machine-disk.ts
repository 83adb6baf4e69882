import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { type Partition, readPartitions } from './gpt.ts';

/** One of the two places that a version can be in. */
export interface Slot {
  readonly partition: Partition;
  readonly device: string;
  /** Undefined: empty. */
  readonly version: string | undefined;
}

/** The disk that this machine runs from. */
export interface MachineDisk {
  readonly device: string;
  readonly running: Slot;
  readonly other: Slot;
  readonly esp: { readonly partition: Partition; readonly device: string };
}

export const slotLabel = (version: string): string => `knarr_${version}`;
export const emptyLabel = '_empty';

const espType = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';

const versionOf = (label: string): string | undefined =>
  label.startsWith('knarr_') ? label.slice('knarr_'.length) : undefined;

const cannot = (why: string): KnarrError =>
  new KnarrError({
    code: 'no-slots',
    blame: 'user',
    message: `this machine has no slots to upgrade or go back to: ${why}`,
  });

/** The kernel's name of the partition that `/` is on, through dm-verity where that is between. */
async function rootPartition(host: Host): Promise<string> {
  const mounts = (await readFile(host.path('/proc/self/mountinfo'), 'utf8')).split('\n');
  // what was mounted last lies on top
  const number = mounts.findLast((line) => line.split(' ')[4] === '/')?.split(' ')[2];
  const device = await realpath(host.path(`/sys/dev/block/${number}`)).catch(() => undefined);
  if (device === undefined) throw cannot('its root is no file system on a disk');
  const under = await readdir(join(device, 'slaves')).catch(() => []);
  return under[0] ?? basename(device);
}

/** Reads the disk's table and finds the slots in it. Throws KnarrError `no-slots` on a machine that has none. */
export async function readMachineDisk(host: Host): Promise<MachineDisk> {
  const root = await rootPartition(host);
  const folder = await realpath(host.path(`/sys/class/block/${root}`)).catch(() => undefined);
  const own = Number(await readFile(join(folder ?? '/', 'partition'), 'utf8').catch(() => ''));
  if (folder === undefined || !(own > 0)) throw cannot(`its root ${root} is no partition`);
  const disk = dirname(folder);
  const names = new Map<number, string>();
  for (const name of await readdir(disk)) {
    const number = Number(await readFile(join(disk, name, 'partition'), 'utf8').catch(() => ''));
    if (number > 0) names.set(number, host.path(`/dev/${name}`));
  }
  const device = host.path(`/dev/${basename(disk)}`);
  const { partitions } = await readPartitions(device);
  const running = partitions.find(({ number }) => number === own);
  const slots = partitions.filter(
    ({ label, type }) => (versionOf(label) !== undefined || label === emptyLabel) && type === running?.type,
  );
  const other = slots.find(({ number }) => number !== own);
  const esp = partitions.find(({ type }) => type === espType);
  if (running === undefined || versionOf(running.label) === undefined)
    throw cannot(`its root, partition ${own} of ${basename(disk)}, is not labelled as a slot`);
  if (other === undefined || slots.length !== 2) throw cannot(`${basename(disk)} has no second slot`);
  if (esp === undefined) throw cannot(`${basename(disk)} has no EFI system partition`);
  const at = (partition: Partition): string => names.get(partition.number) ?? '';
  return {
    device,
    running: { partition: running, device: at(running), version: versionOf(running.label) },
    other: { partition: other, device: at(other), version: versionOf(other.label) },
    esp: { partition: esp, device: at(esp) },
  };
}
