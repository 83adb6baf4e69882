import { parentPort, workerData } from 'node:worker_threads';
import { mutated, randomOf } from './mutate.ts';
import { type Target, targets } from './targets.ts';

/** What the thread is given. */
export interface Job {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  readonly corpus: readonly Uint8Array[];
  /** [cases begun, length of the case under way]; then the case itself. */
  readonly progress: SharedArrayBuffer;
}

export type Found =
  | { readonly type: 'failure'; readonly input: Uint8Array; readonly error: string }
  | { readonly type: 'done'; readonly cases: number };

export const headerBytes = 8;

/** Why an input is a failure; undefined when all is well. */
export function problemOf(target: Target, input: Buffer): string | undefined {
  try {
    target.run(input);
    return undefined;
  } catch (error) {
    const expected = target.allows?.(error) ?? error instanceof Error;
    return expected ? undefined : error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function work({ target: name, seed, milliseconds, corpus, progress }: Job): Found {
  const target = targets.find((t) => t.name === name);
  if (!target) throw new Error(`there is no target ${name}`);
  const counters = new Int32Array(progress, 0, 2);
  const shown = new Uint8Array(progress, headerBytes);
  const all = [
    ...target.seeds.map((one) => Buffer.from(one as string, 'utf8')),
    ...corpus.map((one) => Buffer.from(one)),
  ];
  const words = target.words.map((word) => Buffer.from(word, 'latin1'));
  const random = randomOf(seed);
  const until = performance.now() + milliseconds;
  let cases = 0;
  for (; performance.now() < until; cases++) {
    const input = cases < all.length ? (all[cases] as Buffer) : mutated(random, { corpus: all, words });
    shown.set(input);
    Atomics.store(counters, 1, input.length);
    Atomics.add(counters, 0, 1);
    const error = problemOf(target, input);
    if (error !== undefined) return { type: 'failure', input, error };
  }
  return { type: 'done', cases };
}

if (workerData) parentPort?.postMessage(work(workerData as Job));
