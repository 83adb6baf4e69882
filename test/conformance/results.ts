import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { ReadSpec, TestResult } from './spec-reader.ts';

/** `unfinished`: its run was ended before the test was. */
export type LastResult = Omit<TestResult, 'outcome'> & { outcome: TestResult['outcome'] | 'unfinished' };

/** What became last of every test that was ever run here; on disk at once, so a run may be ended at any time. */
export interface Results {
  get(name: string): LastResult | undefined;
  /** Forgets what became of these tests before. */
  begin(names: readonly string[]): void;
  /** Keeps a result, and the output of a test that failed. */
  add(spec: ReadSpec): void;
  /** Resolves when everything is on disk. */
  saved(): Promise<void>;
}

/** The file of a failed test's output. */
export const failureLog = (folder: string, name: string): string =>
  join(
    folder,
    'failures',
    `${name
      .replace(/[^\w]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 180)}.log`,
  );

export async function openResults(folder: string): Promise<Results> {
  await mkdir(join(folder, 'failures'), { recursive: true });
  const path = join(folder, 'last.json');
  const list = JSON.parse(await readFile(path, 'utf8').catch(() => '[]')) as LastResult[];
  const byName = new Map(list.map((result) => [result.name, result]));
  let writing: Promise<void> = Promise.resolve();
  const save = (act: () => Promise<void> = async () => {}): void => {
    writing = writing.then(async () => {
      await act();
      await writeFileAtomic(path, JSON.stringify([...byName.values()], null, 1));
    });
  };
  return {
    get: (name) => byName.get(name),
    begin(names) {
      for (const name of names) byName.set(name, { name, outcome: 'unfinished', seconds: 0, failure: '' });
      save();
    },
    add({ output, ...result }) {
      byName.set(result.name, result);
      const log = failureLog(folder, result.name);
      save(() => (result.outcome === 'failed' ? writeFile(log, output) : rm(log, { force: true })));
    },
    saved: () => writing,
  };
}
