import { ensureTools } from '../tools/tree.ts';
import { ensureHostPackages, type Purpose } from './host-packages.ts';
import type { Progress } from './progress.ts';

/** Brings what the machine itself must have, and the tools. */
export async function setUp(purposes: readonly Purpose[], progress: Progress): Promise<void> {
  await progress.stage('host packages', (say) => ensureHostPackages(purposes, say));
  await progress.stage('tools', (say) => ensureTools(say, progress.note));
}

/** `run.mjs tools`: the set-up alone. */
export async function tools(_args: readonly string[], progress: Progress): Promise<number> {
  await setUp(['image', 'vm', 'nodes'], progress);
  return 0;
}
