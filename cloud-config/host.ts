import { join } from 'node:path';
import { type RunOptions, type RunResult, run } from '../src/base/run.ts';

/** The machine that a configuration is applied to; tests give a folder and a list of what would be run. */
export interface Host {
  /** Where a path of the machine is. */
  path(path: string): string;
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

export const machine: Host = { path: (path) => join('/', path), run };
