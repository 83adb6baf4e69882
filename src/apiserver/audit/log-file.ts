import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
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
  log: Logger;
}

export interface LogFile {
  write(line: string): void;
  /** Settles when all that was written is in the file. */
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
    .filter((name) => name.startsWith(prefix) && name.endsWith(extension))
    .sort()
    .reverse();
  for (const [i, name] of rotated.entries())
    if ((maxBackups > 0 && i >= maxBackups) || name < basename(oldest))
      await rm(join(dirname(path), name), { force: true });
}

/** Appends lines to a file that is rotated by size, one write at a time for all that has come meanwhile. */
export function createLogFile(options: LogFileOptions): LogFile {
  const { path, log } = options;
  const limit = (options.maxSizeMegabytes || 100) * megabyte;
  let waiting: string[] = [];
  let bytes = 0;
  let size: number | undefined;
  let writing: Promise<void> | undefined;

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
      await rename(path, rotatedName(path, new Date()));
      size = 0;
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
      if (bytes > mostWaiting) return;
      waiting.push(line);
      bytes += line.length;
      if (bytes > mostWaiting) log.error('audit events are lost: the log is not written fast enough', { path });
      writing ??= Promise.resolve().then(drain);
    },
    flush: async () => await writing,
  };
}
