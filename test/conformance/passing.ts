import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';

/** The tests that have passed once: a list that may only grow. */
export interface Passing {
  has(name: string): boolean;
  add(name: string): void;
  saved(): Promise<void>;
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

export async function openPassing(path: string): Promise<Passing> {
  const names = new Set(linesOf(await readFile(path, 'utf8').catch(() => '')));
  let writing: Promise<void> = Promise.resolve();
  return {
    has: (name) => names.has(name),
    add(name) {
      if (names.has(name)) return;
      names.add(name);
      writing = writing.then(async () => {
        // Another run may have added lines in the meantime.
        for (const other of linesOf(await readFile(path, 'utf8').catch(() => ''))) names.add(other);
        await writeFileAtomic(path, `${[...names].sort().join('\n')}\n`);
      });
    },
    saved: () => writing,
  };
}
