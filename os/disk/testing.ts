import { crc32 } from 'node:zlib';
import { guidBytes } from './gpt.ts';

const sector = 512;

export interface MadePartition {
  readonly type: string;
  readonly first: bigint;
  readonly last: bigint;
  readonly label: string;
  readonly uuid: string;
}

/** An empty disk of `size` bytes with these partitions, as the specification (UEFI 2.10, 5.3) draws it. */
export function partitionedDisk(size: number, partitions: readonly MadePartition[]): Buffer {
  const bytes = Buffer.alloc(size);
  const entries = Buffer.alloc(128 * 128);
  for (const [at, { type, first, last, label, uuid }] of partitions.entries()) {
    const entry = entries.subarray(at * 128);
    guidBytes(type).copy(entry);
    guidBytes(uuid).copy(entry, 16);
    entry.writeBigUInt64LE(first, 32);
    entry.writeBigUInt64LE(last, 40);
    entry.write(label, 56, 'utf16le');
  }
  const last = size / sector - 1;
  for (const [own, other, entriesAt] of [[1, last, 2] as const, [last, 1, last - 32] as const]) {
    const header = bytes.subarray(own * sector, own * sector + sector);
    header.write('EFI PART');
    header.writeUInt32LE(0x10000, 8);
    header.writeUInt32LE(92, 12);
    header.writeBigUInt64LE(BigInt(own), 24);
    header.writeBigUInt64LE(BigInt(other), 32);
    header.writeBigUInt64LE(34n, 40);
    header.writeBigUInt64LE(BigInt(last - 33), 48);
    header.writeBigUInt64LE(BigInt(entriesAt), 72);
    header.writeUInt32LE(128, 80);
    header.writeUInt32LE(128, 84);
    header.writeUInt32LE(crc32(entries), 88);
    header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
    entries.copy(bytes, entriesAt * sector);
  }
  return bytes;
}
