import { type RunOptions, type RunResult, run as runProgram } from '../../src/base/run.ts';

/** For a program of a build: on a slow machine that does other things too it may take long. */
export const buildPatienceMs = 3_600_000;

/** Runs a program with a build's patience. */
export const run = (program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  runProgram(program, args, { timeoutMs: buildPatienceMs, ...options });
