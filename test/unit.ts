import { availableParallelism } from 'node:os';
import { find } from './find.ts';
import { closingLines, runFiles, type Tally } from './run-files.ts';

/** Every test that stands beside its source: quick, needs nothing of the machine. */
export const runUnitTests = (verbose = false): Promise<Tally> =>
  runFiles({
    title: 'unit tests',
    files: find('{src,os,images,cloud-config}/**/*.test.ts'),
    concurrency: availableParallelism(),
    timeoutMs: 120_000,
    verbose,
  });

if (import.meta.main) {
  const tally = await runUnitTests(process.argv.includes('--verbose'));
  process.stdout.write(closingLines(tally));
  process.exitCode = tally.failed === 0 ? 0 : 1;
}
