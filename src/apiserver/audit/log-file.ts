import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

export interface LogFileOptions {
  /** `-` is the standard output. */
  path: string;
  /** Rotated files that are older, in days, are removed; 0 keeps them whatever their age. */
  maxAgeDays: number;
  /** Rotated files beyond this many are removed; 0 keeps all. */
  maxBackups: number;
  /** A file that would grow past this many megabytes is rotated; 0 means 100. */
  maxSizeMegabytes: number;
  /** Whether rotated files are packed by gzip. */
  compress?: boolean | undefined;
  log: Logger;
}

/** Where events go, one JSON line each. */
export interface AuditSink {
  start?(): Promise<void>;
  /** Requests whose coming cannot be written are refused. */
  readonly strict?: boolean;
  /** A promise where the request is to wait; false: the event is lost. */
  write(line: string): undefined | Promise<boolean>;
  /** Settles when all that was written is there. */
  flush(): Promise<void>;
}

const megabyte = 1024 * 1024;
const dayMs = 86_400_000;
/** Lines that wait past this many bytes are lost, and said to be: a full disk must not fill the memory. */
const mostWaiting = 64 * megabyte;

/** Name of a rotated file: the time stands before the extension. */
const rotatedName = (path: string, now: Date): string => {
  const extension = extname(path);
  const time = now.toISOString().slice(0, -1).replaceAll(':', '-');
  return join(dirname(path), `${basename(path, extension)}-${time}${extension}`);
};

async function removeOld({ path, maxAgeDays, maxBackups }: LogFileOptions): Promise<void> {
  const extension = extname(path);
  const prefix = `${basename(path, extension)}-`;
  const oldest = maxAgeDays > 0 ? rotatedName(path, new Date(Date.now() - maxAgeDays * dayMs)) : '';
  const rotated = (await readdir(dirname(path)))
    .filter((name) => name.startsWith(prefix) && (name.endsWith(extension) || name.endsWith(`${extension}.gz`)))
    .sort()
    .reverse();
  for (const [i, name] of rotated.entries())
    if ((maxBackups > 0 && i >= maxBackups) || name < basename(oldest))
      await rm(join(dirname(path), name), { force: true });
}

/** Replaces a file by its gzip form; one that cannot be packed stays. */
async function pack(path: string, log: Logger): Promise<void> {
  const packed = `${path}.gz`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(`${packed}.tmp`, { mode: 0o600 }));
    await rename(`${packed}.tmp`, packed);
    await rm(path);
  } catch (error) {
    await rm(`${packed}.tmp`, { force: true });
    log.warn('a rotated audit log cannot be packed', { path, error: messageOf(error) });
  }
}

/** Appends lines to a file that is rotated by size, one write at a time for all that has come meanwhile. */
export function createLogFile(options: LogFileOptions): AuditSink {
  const { path, log } = options;
  const limit = (options.maxSizeMegabytes || 100) * megabyte;
  let waiting: string[] = [];
  let bytes = 0;
  let size: number | undefined;
  let writing: Promise<void> | undefined;
  let packing: Promise<void> = Promise.resolve();

  const append = async (text: string): Promise<void> => {
    if (path === '-') {
      process.stdout.write(text);
      return;
    }
    if (size === undefined) {
      await mkdir(dirname(path), { recursive: true });
      size = (await stat(path).catch(() => undefined))?.size ?? 0;
    }
    const length = Buffer.byteLength(text);
    if (size > 0 && size + length > limit) {
      const rotated = rotatedName(path, new Date());
      await rename(path, rotated);
      size = 0;
      if (options.compress) packing = packing.then(() => pack(rotated, log));
      await removeOld(options);
    }
    const file = await open(path, 'a', 0o600);
    try {
      await file.appendFile(text);
    } finally {
      await file.close();
    }
    size += length;
  };

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const text = waiting.join('');
      waiting = [];
      bytes = 0;
      try {
        await append(text);
      } catch (error) {
        size = undefined;
        log.error('audit events are lost', { path, error: messageOf(error) });
      }
    }
    writing = undefined;
  };

  return {
    write(line) {
      if (bytes > mostWaiting) return undefined;
      waiting.push(line);
      bytes += line.length;
      if (bytes > mostWaiting) log.error('audit events are lost: the log is not written fast enough', { path });
      writing ??= Promise.resolve().then(drain);
      return undefined;
    },
    async flush() {
      await writing;
      await packing;
    },
  };
}
