import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { KnarrError } from '../base/errors.ts';
import type { PackedRows } from './sqlite-messages.ts';

/** Rows that stand or fall together. */
export interface PackedBatch {
  readonly rows: PackedRows | undefined;
  readonly reserve: number | undefined;
}

export interface LogRecord {
  /** One more than that of the record before. */
  readonly sequence: number;
  readonly batches: readonly PackedBatch[];
}

/**
 * The newest commits in a file of their own, one write and one sync each, until the tables hold them durably; then it
 * starts over. It is written from its beginning again and again, so that its blocks are there already and a sync has no
 * metadata to write.
 *
 *   record = head (32 bytes), then of each batch: head (24 bytes), keys, block
 *
 * A record counts when its head names this database and the sequence number that is next, and its checksum is right.
 * What is left of an earlier round has lower numbers; what a power cut tore has a wrong sum, and was never acknowledged.
 */
export interface CommitLog {
  /** Bytes since it started over. */
  readonly filled: number;
  /** Bytes on disk. */
  readonly size: number;
  /** Whole records from the beginning on. The next `append` goes after the last one that was read. */
  records(): Iterable<LogRecord>;
  /** Durable when it returns. Throws what the file system throws; then nothing of it stands. */
  append(record: LogRecord): void;
  /** Everything in it is durable elsewhere. */
  startOver(): void;
  close(): void;
}

const magic = 0x4b4e4c31;
const recordHead = 32;
const batchHead = 24;
/** Written ahead of what is needed, so that most syncs find the file as long as it was. */
const growBy = 256 * 1024;
/** By the page: a kernel that keeps in one piece what was written in one piece counts all of it as written each time. */
const page = Buffer.alloc(4096);

/** `id`: of the database that the records belong to. */
export function openCommitLog(path: string, { id, keep }: { id: number; keep: number }): CommitLog {
  closeSync(openSync(path, 'a', 0o600));
  const fd = openSync(path, 'r+');
  syncFolder(dirname(path));
  let at = 0;
  let size = fstatSync(fd).size;

  function grow(end: number): void {
    if (size >= end) return;
    for (const target = end + growBy; size < target; size += page.length)
      writeAll(path, page.length, writeSync(fd, page, 0, page.length, size));
  }

  return {
    get filled() {
      return at;
    },
    get size() {
      return size;
    },
    *records() {
      at = 0;
      const bytes = Buffer.allocUnsafe(size);
      const length = readSync(fd, bytes, 0, size, 0);
      let before: number | undefined;
      while (at < length) {
        const found = recordAt(bytes.subarray(at, length), id, before);
        if (!found) return;
        at += found.length;
        before = found.record.sequence;
        yield found.record;
      }
    },
    append(record) {
      const parts = partsOf(record, id);
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      grow(at + length);
      writeAll(path, length, writevSync(fd, parts, at));
      fdatasyncSync(fd);
      at += length;
    },
    startOver() {
      at = 0;
      if (size <= 2 * keep) return;
      ftruncateSync(fd, keep);
      size = keep;
    },
    close: () => closeSync(fd),
  };
}

function writeAll(path: string, wanted: number, written: number): void {
  if (written === wanted) return;
  const message = `only ${written} of ${wanted} bytes could be written to ${path}`;
  throw new KnarrError({ code: 'ENOSPC', blame: 'world', message });
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

function partsOf({ sequence, batches }: LogRecord, id: number): Uint8Array[] {
  const head = Buffer.alloc(recordHead);
  const parts: Uint8Array[] = [head];
  let size = 0;
  for (const { rows, reserve } of batches) {
    const keys = Buffer.from(rows?.keys ?? '');
    const block = new Uint8Array(rows?.block ?? new ArrayBuffer(0));
    const own = Buffer.alloc(batchHead);
    own.writeUInt32LE(rows?.count ?? 0, 0);
    own.writeUInt32LE(keys.length, 4);
    own.writeUInt32LE(block.length, 8);
    own.writeUInt32LE(reserve === undefined ? 0 : 1, 12);
    own.writeDoubleLE(reserve ?? 0, 16);
    parts.push(own, keys, block);
    size += own.length + keys.length + block.length;
  }
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(size, 8);
  head.writeUInt32LE(batches.length, 12);
  head.writeDoubleLE(id, 16);
  head.writeDoubleLE(sequence, 24);
  let sum = crc32(head.subarray(8));
  for (const part of parts.slice(1)) sum = crc32(part, sum);
  head.writeUInt32LE(sum, 4);
  return parts;
}

/** The record that begins these bytes; undefined: none that counts does. */
function recordAt(
  bytes: Buffer,
  id: number,
  before: number | undefined,
): { record: LogRecord; length: number } | undefined {
  if (bytes.length < recordHead || bytes.readUInt32LE(0) !== magic || bytes.readDoubleLE(16) !== id) return undefined;
  const length = recordHead + bytes.readUInt32LE(8);
  const sequence = bytes.readDoubleLE(24);
  if (length > bytes.length || (before !== undefined && sequence !== before + 1)) return undefined;
  if (crc32(bytes.subarray(8, length)) !== bytes.readUInt32LE(4)) return undefined;
  const batches: PackedBatch[] = [];
  let at = recordHead;
  for (let left = bytes.readUInt32LE(12); left > 0; left--) {
    const [count, keysSize, blockSize, reserves] = [0, 4, 8, 12].map((place) => bytes.readUInt32LE(at + place)) as [
      number,
      number,
      number,
      number,
    ];
    const reserve = reserves === 1 ? bytes.readDoubleLE(at + 16) : undefined;
    const start = at + batchHead;
    const end = start + keysSize + blockSize;
    const keys = bytes.toString('utf8', start, start + keysSize);
    const block = new Uint8Array(bytes.subarray(start + keysSize, end)).buffer;
    batches.push({ rows: count > 0 ? { count, keys, block } : undefined, reserve });
    at = end;
  }
  return { record: { sequence, batches }, length };
}
