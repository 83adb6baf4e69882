import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Found, headerBytes, type Job } from './worker.ts';

export const corpusFolder = join(import.meta.dirname, 'corpus');

export interface Failure {
  readonly input: Buffer;
  readonly error: string;
}

export interface Outcome {
  readonly cases: number;
  readonly failure: Failure | undefined;
}

/** One input may take so long; */
const caseLimitMs = 3_000;
/** and a parser may hold so much at a time. */
const memoryMb = 384;
const longestCase = 64 * 1024;

/** The cases that were found before, by file name. */
export async function keptCases(target: string): Promise<Map<string, Buffer>> {
  const folder = join(corpusFolder, target);
  if (!existsSync(folder)) return new Map();
  const names = (await readdir(folder)).sort();
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)));
}

/** Keeps a case, so that it is tried first from now on. */
export async function keep(target: string, input: Buffer): Promise<string> {
  const folder = join(corpusFolder, target);
  await mkdir(folder, { recursive: true });
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 12));
  await writeFile(path, input);
  return path;
}

/** Tries one target for a while in a thread of its own, which ends when it hangs or takes too much memory. */
export async function tryTarget(target: string, options: { seed: number; milliseconds: number }): Promise<Outcome> {
  const progress = new SharedArrayBuffer(headerBytes + longestCase * 2);
  const counters = new Int32Array(progress, 0, 2);
  const job: Job = { target, ...options, corpus: [...(await keptCases(target)).values()], progress };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  const underWay = (): Buffer => Buffer.from(new Uint8Array(progress, headerBytes, counters[1]).slice());
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Outcome>((resolve) => {
      const fail = (error: string, input: Uint8Array = underWay()): void =>
        resolve({ cases: counters[0] ?? 0, failure: { input: Buffer.from(input), error } });
      let before = 0;
      timer = setInterval(() => {
        const now = Atomics.load(counters, 0);
        if (now > 0 && now === before) fail(`one case took more than ${caseLimitMs} ms`);
        before = now;
      }, caseLimitMs);
      worker.once('error', (error) => fail(error.message));
      worker.once('exit', () => fail('the thread ended'));
      worker.once('message', (found: Found) => {
        if (found.type === 'done') resolve({ cases: found.cases, failure: undefined });
        else fail(found.error, found.input);
      });
    });
  } finally {
    clearInterval(timer);
    await worker.terminate();
  }
}
