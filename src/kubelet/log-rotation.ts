import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { ContainerRuntime } from '../cri/runtime.ts';

const stampOf = (now: Date): string => now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);

/**
 * Rotates one container's log when it has grown past `maxBytes`: the file gets a time in its name, the runtime opens a
 * new one, older ones are compressed, and of all only `maxFiles` are kept. Answers whether it was rotated.
 */
export async function rotateLog(options: {
  runtime: Pick<ContainerRuntime, 'reopenLog'>;
  containerId: string;
  path: string;
  maxBytes: number;
  maxFiles: number;
  now?: Date;
}): Promise<boolean> {
  const { runtime, containerId, path, maxBytes, maxFiles, now = new Date() } = options;
  const info = await stat(path).catch(() => undefined);
  if (!info || info.size < maxBytes) return false;
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  const old = (await readdir(folder)).filter((n) => n.startsWith(prefix) && !n.endsWith('.tmp')).sort();
  // The current file and the one that is about to be rotated count too.
  for (const name of old.splice(0, Math.max(0, old.length - (maxFiles - 2))))
    await rm(`${folder}/${name}`, { force: true });
  for (const name of old) if (!name.endsWith('.gz')) await compress(`${folder}/${name}`);
  const rotated = `${path}.${stampOf(now)}`;
  await rename(path, rotated);
  try {
    await runtime.reopenLog(containerId);
  } catch (error) {
    await rename(rotated, path);
    throw error;
  }
  return true;
}

async function compress(path: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary));
  await rename(temporary, `${path}.gz`);
  await rm(path, { force: true });
}
