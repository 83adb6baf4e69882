import { open } from 'node:fs/promises';
import { readPartitions } from '../os/disk/gpt.ts';
import { KnarrError } from '../src/base/errors.ts';

const sector = 512;
const [tableAt, entrySize] = [446, 16];
/** FAT32 by block numbers, and what stands for a table of another kind (UEFI 2.10, 5.2). */
const [fatType, protectiveType] = [0x0c, 0xee];
/** "Look at the block numbers": addresses by cylinder have no room for these. */
const noCylinders = Buffer.from([0xfe, 0xff, 0xff]);

function entry(type: number, first: number, sectors: number): Buffer {
  const bytes = Buffer.alloc(entrySize);
  noCylinders.copy(bytes, 1);
  bytes[4] = type;
  noCylinders.copy(bytes, 5);
  bytes.writeUInt32LE(first, 8);
  bytes.writeUInt32LE(sectors, 12);
  return bytes;
}

/**
 * Names the first partition of a GPT disk in the old table of the first sector too. A loader in ROM that knows no GPT (that
 * of a Raspberry Pi 3) finds its files by it; all others see the entry that says GPT and look there.
 */
export async function addHybridMbr(disk: string): Promise<void> {
  const first = (await readPartitions(disk)).partitions.find(({ number }) => number === 1);
  if (first === undefined)
    throw new KnarrError({ code: 'hybrid-mbr', blame: 'bug', message: `${disk} has no first partition` });
  const start = first.start / sector;
  const table = Buffer.alloc(4 * entrySize);
  entry(fatType, start, first.size / sector).copy(table);
  // the kernel and boot loaders look for one that begins at 1
  entry(protectiveType, 1, start - 1).copy(table, entrySize);
  const file = await open(disk, 'r+');
  try {
    await file.write(table, 0, table.length, tableAt);
  } finally {
    await file.close();
  }
}
