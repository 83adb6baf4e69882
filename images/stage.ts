import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from './setup/progress.ts';
import { withBuildLock } from './tools/build-lock.ts';
import { cache, clone } from './tools/paths.ts';

/**
 * A step of a build: what it makes is a folder in the cache, named by the hash of everything that goes into it (its
 * `inputs`, the folders of the stages before it, its own source file), so that nothing is made twice.
 */
export interface Stage {
  name: string;
  /** The source file of the stage, for a stage that is changed makes something else: `import.meta.filename`. */
  source: string;
  /** What it is made of besides files: anything that JSON can hold. */
  inputs: unknown;
  /** Files and folders of this clone that it is made of. */
  files?: readonly string[];
  /** Fills the empty folder `into`. */
  make(into: string, say: (detail: string) => void): Promise<void>;
}

async function hashPath(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  const info = await lstat(path);
  hash.update(`${path.slice(clone.length)} ${info.mode.toString(8)}\0`);
  if (info.isSymbolicLink()) hash.update(await readlink(path));
  else if (info.isDirectory()) {
    for (const name of (await readdir(path)).sort())
      if (!name.endsWith('.test.ts')) await hashPath(hash, join(path, name));
  } else hash.update(await readFile(path));
}

async function keyOf(stage: Stage): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(stage.inputs));
  await hashPath(hash, stage.source);
  for (const file of stage.files ?? []) await hashPath(hash, file);
  return hash.digest('hex').slice(0, 20);
}

/** Fills a folder with what a stage makes; what modes it gives to files is not whoever builds it to decide. */
export async function makeStage(stage: Stage, into: string, say: (detail: string) => void): Promise<void> {
  const before = process.umask(0o022);
  try {
    await stage.make(into, say);
  } finally {
    process.umask(before);
  }
}

/** Runs a stage unless the cache has its folder, or another build makes it meanwhile; gives that folder. */
export async function runStage(stage: Stage, progress: Progress): Promise<string> {
  const folder = join(cache, 'stages', `${stage.name}-${await keyOf(stage)}`);
  const now = new Date();
  if (existsSync(folder)) {
    await utimes(folder, now, now);
    return folder;
  }
  await progress.stage(stage.name, (say) =>
    withBuildLock(stage.name, progress.note, async () => {
      if (existsSync(folder)) return say('another build has made it');
      const unfinished = `${folder}.${process.pid}.new`;
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished, { recursive: true });
      try {
        await makeStage(stage, unfinished, say);
        await rename(unfinished, folder);
      } catch (error) {
        await rm(unfinished, { recursive: true, force: true });
        throw error;
      }
    }),
  );
  return folder;
}

/** A folder that was used within this may be in use: another build runs beside this one. */
const inUseMs = 3_600_000;

/**
 * Keeps the newest `keep` folders of every stage, and what may be in use; removes what builds that were ended left
 * unfinished.
 */
export async function pruneStages(keep: number): Promise<void> {
  const folder = join(cache, 'stages');
  const byStage = new Map<string, { path: string; used: number }[]>();
  for (const name of await readdir(folder).catch(() => [])) {
    const builder = /\.(\d+)\.new$/.exec(name)?.[1];
    if (builder !== undefined) {
      if (!existsSync(`/proc/${builder}`)) await rm(join(folder, name), { recursive: true, force: true });
      continue;
    }
    const stage = name.replace(/-[0-9a-f]{20}$/, '');
    const path = join(folder, name);
    const list = byStage.get(stage) ?? [];
    list.push({ path, used: (await lstat(path)).mtimeMs });
    byStage.set(stage, list);
  }
  for (const list of byStage.values())
    for (const { path, used } of list.sort((a, b) => b.used - a.used).slice(keep))
      if (Date.now() - used > inUseMs) await rm(path, { recursive: true, force: true });
}
