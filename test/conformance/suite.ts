import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createSpecReader, type ReadSpec } from './spec-reader.ts';

/** One test of the conformance suite: `name` is its full name, SIG included. */
export interface ConformanceTest {
  sig: string;
  name: string;
}

/** The tests of Kubernetes 1.36's conformance suite, from `tests.tsv`. */
export async function allTests(): Promise<ConformanceTest[]> {
  const text = await readFile(new URL('tests.tsv', import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [sig = '', name = ''] = line.split('\t');
      return { sig, name };
    });
}

const quoteForRegex = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Runs `tests` with one process of the suite's binary against a cluster, telling each result as it comes; its output
 * goes to `LABEL.log` in `folder`. A test without a result when the process has ended by itself counts as failed.
 */
export async function runSuite(options: {
  binary: string;
  kubeconfig: string;
  tests: readonly ConformanceTest[];
  folder: string;
  label: string;
  spawn: (program: string, args: readonly string[]) => ChildProcess;
  onSpec: (spec: ReadSpec) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { tests, folder, label, signal } = options;
  if (signal.aborted) return;
  await mkdir(folder, { recursive: true });
  const log = createWriteStream(join(folder, `${label}.log`));
  const left = new Set(tests.map((t) => t.name));
  const reader = createSpecReader({
    wanted: new Set(left),
    onSpec(spec) {
      left.delete(spec.name);
      options.onSpec(spec);
    },
  });
  const child = options.spawn(options.binary, [
    `--kubeconfig=${options.kubeconfig}`,
    `--ginkgo.focus=${tests.map((t) => quoteForRegex(t.name)).join('|')}`,
    '--ginkgo.no-color',
    '--ginkgo.v',
    '--ginkgo.timeout=24h',
    '--provider=skeleton',
    '--disable-log-dump',
    '--allowed-not-ready-nodes=0',
    '--node-schedulable-timeout=2m',
  ]);
  child.stderr?.pipe(log, { end: false });
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/^S+$/.test(line)) return;
      log.write(`${line}\n`);
      reader.line(line);
    });
  await new Promise<void>((resolve) => {
    child.on('close', () => resolve()).on('error', () => resolve());
    // Through namespaces the signal may not reach the suite itself: it ends with its cluster then.
    const onAbort = (): void => {
      child.kill();
      resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  reader.end();
  log.end();
  if (signal.aborted) return;
  for (const name of left)
    options.onSpec({ name, outcome: 'failed', seconds: 0, failure: `no result: see ${label}.log`, output: '' });
}
