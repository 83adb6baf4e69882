import { watch } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createGunzip } from 'node:zlib';

export interface LogQuery {
  follow: boolean;
  tailLines?: number | undefined;
  sinceMs?: number | undefined;
  timestamps: boolean;
  limitBytes?: number | undefined;
  stream: 'All' | 'Stdout' | 'Stderr';
}

interface Line {
  time: string;
  stream: 'stdout' | 'stderr';
  /** The line goes on in the next entry. */
  partial: boolean;
  text: Buffer;
}

const newline = 0x0a;
const space = 0x20;

/** One line of a log in the runtime interface's format: `<time> <stream> <F|P> <text>`. */
export function parseLogLine(line: Buffer): Line | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  const third = line.indexOf(space, second + 1);
  if (first < 0 || second < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tag = line.toString('latin1', second + 1, third < 0 ? line.length : third);
  return {
    time: line.toString('latin1', 0, first),
    stream,
    partial: tag.split(':')[0] === 'P',
    text: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  };
}

const chunkSize = 64 * 1024;

/** The offset at which the last `lines` full lines of the file begin. */
async function tailOffset(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  let left = lines;
  let at = size;
  const buffer = Buffer.alloc(chunkSize);
  while (at > 0) {
    const length = Math.min(chunkSize, at);
    at -= length;
    await file.read(buffer, 0, length, at);
    for (let i = length - 1; i >= 0; i--) {
      if (buffer[i] !== newline || at + i === size - 1) continue;
      if (--left === 0) return at + i + 1;
    }
  }
  return 0;
}

/**
 * Writes what the query asks of a container's log file to `write` (which answers when more may come). With `follow` it
 * goes on as the file grows, across rotations, until `running` says that the container has ended and all is written.
 */
export async function readLog(options: {
  path: string;
  query: LogQuery;
  write: (data: Buffer) => Promise<void>;
  running: () => Promise<boolean>;
  signal: AbortSignal;
}): Promise<void> {
  const { path, query, write, running, signal } = options;
  let budget = query.limitBytes ?? Number.POSITIVE_INFINITY;
  let lineStart = true;
  // What is written meanwhile is not the tail that was asked for.
  let left = query.follow ? Number.POSITIVE_INFINITY : (query.tailLines ?? Number.POSITIVE_INFINITY);

  const emit = async (raw: Buffer): Promise<boolean> => {
    if (left-- <= 0) return false;
    const line = parseLogLine(raw);
    if (!line) return true;
    if (query.stream !== 'All' && line.stream !== query.stream.toLowerCase()) return true;
    if (query.sinceMs !== undefined && Date.parse(line.time) < query.sinceMs) return true;
    const prefix = query.timestamps && lineStart ? Buffer.from(`${line.time} `) : Buffer.alloc(0);
    const end = line.partial ? Buffer.alloc(0) : Buffer.from([newline]);
    lineStart = !line.partial;
    const all = Buffer.concat([prefix, line.text, end]);
    await write(all.subarray(0, Math.min(all.length, budget)));
    budget -= all.length;
    return budget > 0;
  };

  /** Reads from `from` to the end; answers where the next unfinished line begins, or -1 when the budget is spent. */
  const drain = async (file: FileHandle, from: number): Promise<number> => {
    const buffer = Buffer.alloc(chunkSize);
    let at = from;
    let rest = Buffer.alloc(0);
    while (!signal.aborted) {
      const { bytesRead } = await file.read(buffer, 0, chunkSize, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      let data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline)) {
        if (!(await emit(data.subarray(0, end)))) return -1;
        data = data.subarray(end + 1);
      }
      rest = Buffer.from(data);
    }
    return at - rest.length;
  };

  let file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let at = query.tailLines === undefined ? 0 : await tailOffset(file, size, query.tailLines);
    if (query.tailLines !== undefined && at === 0 && size > 0) await olderLines(path, query.tailLines, file, emit);
    at = await drain(file, at);
    if (!query.follow || at < 0) return;

    let wake = Promise.withResolvers<void>();
    const watcher = watch(dirname(path), (_, name) => {
      if (name === null || name === basename(path)) wake.resolve();
    });
    const stop = (): void => wake.resolve();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        const alive = await running();
        at = await drain(file, at);
        if (at < 0 || signal.aborted) return;
        const now = await stat(path).catch(() => undefined);
        if (now && now.ino !== (await file.stat()).ino) {
          await file.close();
          file = await open(path, 'r');
          at = 0;
          continue;
        }
        if (!alive) return;
        // The end of a container writes nothing: look now and then whether it still runs.
        const timer = setTimeout(() => wake.resolve(), 1000);
        await wake.promise;
        clearTimeout(timer);
        wake = Promise.withResolvers<void>();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      watcher.close();
    }
  } finally {
    await file.close();
  }
}

/** Where the current file has fewer lines than asked for, the newest rotated one may hold the rest. */
async function olderLines(
  path: string,
  wanted: number,
  current: FileHandle,
  emit: (line: Buffer) => Promise<boolean>,
): Promise<void> {
  const names = (await readdir(dirname(path))).filter((n) => n.startsWith(`${basename(path)}.`)).sort();
  const newestName = names[names.length - 1];
  if (newestName === undefined) return;
  const count = (await current.readFile()).filter((byte) => byte === newline).length;
  const older = await open(`${dirname(path)}/${newestName}`, 'r');
  try {
    const stream = older.createReadStream({ autoClose: false });
    const source = newestName.endsWith('.gz') ? stream.pipe(createGunzip()) : stream;
    const parts: Buffer[] = [];
    for await (const chunk of source) parts.push(chunk as Buffer);
    const lines = Buffer.concat(parts).toString('latin1').split('\n').slice(0, -1);
    const missing = wanted - count;
    if (missing > 0) for (const line of lines.slice(-missing)) if (!(await emit(Buffer.from(line, 'latin1')))) return;
  } finally {
    await older.close();
  }
}
