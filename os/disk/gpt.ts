import { type FileHandle, open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { KnarrError } from '../../src/base/errors.ts';

/** One entry of a partition table; unused ones are left out. */
export interface Partition {
  /** From 1, as the kernel counts. */
  readonly number: number;
  /** The type's GUID, small letters. */
  readonly type: string;
  readonly uuid: string;
  readonly label: string;
  /** In bytes from the disk's beginning. */
  readonly start: number;
  readonly size: number;
}

export interface PartitionTable {
  readonly partitions: readonly Partition[];
  /** Which of the two copies on the disk are whole. */
  readonly whole: { readonly primary: boolean; readonly backup: boolean };
}

/** What may change of a partition while others of the same disk are in use: nothing that moves bytes. */
export interface PartitionChange {
  readonly label?: string;
  readonly uuid?: string;
  /** The entry becomes an unused one; what was in the partition stays where it is. */
  readonly remove?: boolean;
}

/** Writes bytes at an offset and waits until they are on the disk; tests put a power cut in its place. */
export type WriteAt = (bytes: Buffer, offset: number) => Promise<void>;

const signature = 'EFI PART';

/** The text form of a GUID, whose first three groups lie on the disk with their bytes reversed. */
export function guidText(bytes: Buffer): string {
  const hex = (from: number, to: number): string => bytes.subarray(from, to).toString('hex');
  const turned = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).reverse().toString('hex');
  return [turned(0, 4), turned(4, 6), turned(6, 8), hex(8, 10), hex(10, 16)].join('-');
}

export function guidBytes(text: string): Buffer {
  const [a = '', b = '', c = '', d = '', e = ''] = text.split('-');
  const turned = (hex: string): Buffer => Buffer.from(hex, 'hex').reverse();
  const bytes = Buffer.concat([turned(a), turned(b), turned(c), Buffer.from(d + e, 'hex')]);
  if (bytes.length !== 16) throw new RangeError(`no GUID: ${text}`);
  return bytes;
}

/** One copy of the table: its header's sector and the array that it names. */
interface Copy {
  header: Buffer;
  entries: Buffer;
}

interface Disk {
  sector: number;
  size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

async function readCopy(disk: Disk, lba: number): Promise<Copy | undefined> {
  const header = await disk.read(lba * disk.sector, disk.sector);
  const length = header.readUInt32LE(12);
  if (header.toString('latin1', 0, 8) !== signature || length < 92 || length > disk.sector) return undefined;
  if (Number(header.readBigUInt64LE(24)) !== lba) return undefined;
  const plain = Buffer.from(header.subarray(0, length));
  plain.writeUInt32LE(0, 16);
  if (crc32(plain) !== header.readUInt32LE(16)) return undefined;
  const size = header.readUInt32LE(80) * header.readUInt32LE(84);
  if (size > 1 << 20) return undefined;
  const entries = await disk.read(Number(header.readBigUInt64LE(72)) * disk.sector, size);
  return crc32(entries) === header.readUInt32LE(88) ? { header, entries } : undefined;
}

async function readCopies(disk: Disk): Promise<{ primary: Copy | undefined; backup: Copy | undefined }> {
  const primary = await readCopy(disk, 1);
  const last = primary === undefined ? disk.size / disk.sector - 1 : Number(primary.header.readBigUInt64LE(32));
  return { primary, backup: await readCopy(disk, last) };
}

function partitionsOf({ header, entries }: Copy, sector: number): Partition[] {
  const size = header.readUInt32LE(84);
  const found: Partition[] = [];
  for (let at = 0; at + size <= entries.length; at += size) {
    const entry = entries.subarray(at, at + size);
    const type = guidText(entry.subarray(0, 16));
    if (/^[0-]+$/.test(type)) continue;
    const [first, last] = [entry.readBigUInt64LE(32), entry.readBigUInt64LE(40)];
    found.push({
      number: at / size + 1,
      type,
      uuid: guidText(entry.subarray(16, 32)),
      label: entry.toString('utf16le', 56, 128).replace(/\0[\s\S]*$/, ''),
      start: Number(first) * sector,
      size: Number(last - first + 1n) * sector,
    });
  }
  return found;
}

function changed(copy: Copy, changes: ReadonlyMap<number, PartitionChange>): Buffer {
  const entries = Buffer.from(copy.entries);
  const size = copy.header.readUInt32LE(84);
  for (const [number, { label, uuid, remove }] of changes) {
    const entry = entries.subarray((number - 1) * size, number * size);
    if (remove) {
      entry.fill(0);
      continue;
    }
    if (label !== undefined) {
      if (label.length > 36) throw new RangeError(`a partition's label has at most 36 characters: ${label}`);
      entry.fill(0, 56, 128).write(label, 56, 'utf16le');
    }
    if (uuid !== undefined) guidBytes(uuid).copy(entry, 16);
  }
  return entries;
}

/** The header of one copy, made from the other's where need be. */
function headerFor(from: Buffer, place: { own: number; other: number; entriesAt: number }, entries: Buffer): Buffer {
  const header = Buffer.from(from);
  const length = header.readUInt32LE(12);
  header.writeBigUInt64LE(BigInt(place.own), 24);
  header.writeBigUInt64LE(BigInt(place.other), 32);
  header.writeBigUInt64LE(BigInt(place.entriesAt), 72);
  header.writeUInt32LE(crc32(entries), 88);
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header.subarray(0, length)), 16);
  return header;
}

const noTable = (path: string): KnarrError =>
  new KnarrError({
    code: 'no-partition-table',
    blame: 'world',
    message: `${path} has no readable GUID partition table: neither the first copy nor the second is whole`,
  });

async function withDisk<T>(
  path: string,
  flags: string,
  work: (disk: Disk, file: FileHandle) => Promise<T>,
): Promise<T> {
  const sector = Number(
    await readFile(`/sys/class/block/${basename(path)}/queue/logical_block_size`, 'utf8').catch(() => '512'),
  );
  const file = await open(path, flags);
  try {
    // a device has no size in its inode
    const { size: regular } = await file.stat();
    const sectors = await readFile(`/sys/class/block/${basename(path)}/size`, 'utf8').catch(() => '0');
    const size = regular > 0 ? regular : Number(sectors) * 512;
    const read = async (offset: number, length: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(length);
      await file.read(buffer, 0, length, offset);
      return buffer;
    };
    return await work({ sector, size, read }, file);
  } finally {
    await file.close();
  }
}

/** Reads a disk's table (a block device, or a file that holds one). Throws KnarrError `no-partition-table`. */
export const readPartitions = (path: string): Promise<PartitionTable> =>
  withDisk(path, 'r', async (disk) => {
    const { primary, backup } = await readCopies(disk);
    const best = primary ?? backup;
    if (best === undefined) throw noTable(path);
    return {
      partitions: partitionsOf(best, disk.sector),
      whole: { primary: primary !== undefined, backup: backup !== undefined },
    };
  });

/**
 * Changes labels and identifiers of partitions, the second copy of the table first: at every instant one of the two is
 * whole, the old or the new one. (The kernel takes the second when it is started with `gpt`; firmware does by itself.)
 * A copy that was not whole is made anew. The kernel's own list stays as it was until the next boot.
 */
export const changePartitions = (
  path: string,
  changes: ReadonlyMap<number, PartitionChange>,
  intercept: (write: WriteAt) => WriteAt = (write) => write,
): Promise<void> =>
  withDisk(path, 'r+', async (disk, file) => {
    const { primary, backup } = await readCopies(disk);
    const best = primary ?? backup;
    if (best === undefined) throw noTable(path);
    const { sector } = disk;
    const write = intercept(async (bytes, offset) => {
      await file.write(bytes, 0, bytes.length, offset);
      await file.sync();
    });
    const entries = changed(best, changes);
    const sectors = Math.ceil(entries.length / sector);
    const last = primary === undefined ? disk.size / sector - 1 : Number(primary.header.readBigUInt64LE(32));
    const backupAt = backup === undefined ? last - sectors : Number(backup.header.readBigUInt64LE(72));
    const primaryAt = primary === undefined ? 2 : Number(primary.header.readBigUInt64LE(72));
    const backupHeader = headerFor(best.header, { own: last, other: 1, entriesAt: backupAt }, entries);
    const primaryHeader = headerFor(best.header, { own: 1, other: last, entriesAt: primaryAt }, entries);
    // While the second copy is written the first must be the whole one.
    if (primary === undefined) {
      await write(Buffer.from(best.entries), primaryAt * sector);
      await write(headerFor(best.header, { own: 1, other: last, entriesAt: primaryAt }, best.entries), sector);
    }
    await write(entries, backupAt * sector);
    await write(backupHeader, last * sector);
    await write(entries, primaryAt * sector);
    await write(primaryHeader, sector);
  });
