import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { clone } from '../tools/paths.ts';
import type { Progress } from './progress.ts';
import { setUp } from './tools.ts';

function runNode(file: string, args: readonly string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(process.execPath, [join(clone, file), ...args], { stdio: 'inherit', cwd: clone });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', reject);
  child.on('exit', (code) => resolve(code ?? 1));
  return promise;
}

/** `npm test`: the set-up, then every check that runs on one machine. */
export async function test(args: readonly string[], progress: Progress): Promise<number> {
  await setUp(['image', 'vm', 'nodes'], progress);
  return runNode('test/main.ts', args);
}

/** `npm run robustness`: the set-up, then what is broken on purpose, many times. */
export async function robustness(args: readonly string[], progress: Progress): Promise<number> {
  await setUp(['image', 'vm', 'nodes'], progress);
  return runNode('test/robustness/main.ts', args);
}

/** `npm run bench`: the set-up, then the measurements. */
export async function bench(args: readonly string[], progress: Progress): Promise<number> {
  await setUp(['image', 'vm', 'nodes', 'bench'], progress);
  return runNode('test/bench/main.ts', args);
}
