import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed and why, as it was shown when it did. */
  failures: readonly string[];
}

export interface FileRun {
  title: string;
  files: readonly string[];
  concurrency: number;
  /** Milliseconds for one file. */
  timeoutMs: number;
  /** Shows every test as it ends, not failures alone. */
  verbose: boolean;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const reasonOf = (skip: unknown): string => (typeof skip === 'string' ? skip : 'no reason given');

function causeOf(error: unknown): string {
  const { cause, message } = error as { cause?: unknown; message?: string };
  if (cause instanceof Error) return cause.stack ?? cause.message;
  return cause === undefined ? String(message) : String(cause);
}

/** Runs test files, each in a process of its own, and shows how they go. A file that cannot be loaded counts as failed. */
export async function runFiles(options: FileRun): Promise<Tally> {
  const { title, files, concurrency, timeoutMs, verbose } = options;
  const failures: string[] = [];
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, failures };
  const begun = performance.now();
  process.stdout.write(`• ${title} (${files.length} files)\n`);
  if (files.length === 0) return tally;
  const stream = run({ files: [...files], concurrency, timeout: timeoutMs, isolation: 'process' });
  const write = (text: string): void => void process.stdout.write(text);

  stream.on('test:pass', ({ name, nesting, details, skip }) => {
    if (nesting > 0 || details.type === 'suite') return;
    if (skip !== undefined && skip !== false) {
      tally.skipped++;
      write(`  - ${name}: skipped: ${reasonOf(skip)}\n`);
      return;
    }
    tally.passed++;
    if (verbose) write(`  ✔ ${name} ${seconds(details.duration_ms)}\n`);
  });
  stream.on('test:fail', ({ name, nesting, details, file }) => {
    if (nesting > 0) return;
    tally.failed++;
    const cause = causeOf(details.error).replace(/^/gm, '      ');
    const failure = `  ✖ ${name} (${file ?? ''}) ${seconds(details.duration_ms)}\n${cause}\n`;
    failures.push(failure);
    write(failure);
  });
  stream.on('test:stderr', ({ message }: TestEvent & { message: string }) => {
    if (verbose) write(message.replace(/^(?=.)/gm, '    '));
  });
  for await (const _event of stream);
  write(
    `  ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped in ${seconds(performance.now() - begun)}\n`,
  );
  return tally;
}

export const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (all, one) => ({
      passed: all.passed + one.passed,
      failed: all.failed + one.failed,
      skipped: all.skipped + one.skipped,
      failures: [...all.failures, ...one.failures],
    }),
    { passed: 0, failed: 0, skipped: 0, failures: [] },
  );

/** What failed, again: it may be far above. The last line counts. */
export const closingLines = ({ passed, failed, skipped, failures }: Tally): string =>
  `${failures.length > 0 ? `• what failed\n${failures.join('')}` : ''}${passed} passed, ${failed} failed, ${skipped} skipped\n`;
