import { access } from 'node:fs/promises';
import { run } from '../base/run.ts';
import { hostTimeoutMs, type Runner } from './tools.ts';

async function isLoaded(name: string): Promise<boolean> {
  try {
    await access(`/sys/module/${name.replaceAll('-', '_')}`);
    return true;
  } catch {
    return false;
  }
}

/**
 * Loads kernel modules and returns the names that could not be loaded. That is not yet a lack: what is built into the
 * kernel need not show as a module, so the caller judges by whether the thing works.
 */
export async function loadModules(
  names: readonly string[],
  options: { runner?: Runner; loaded?: (name: string) => Promise<boolean> } = {},
): Promise<string[]> {
  const { runner = run, loaded = isLoaded } = options;
  const state = await Promise.all(names.map(loaded));
  const wanted = names.filter((_, i) => state[i] !== true);
  const missing: string[] = [];
  await Promise.all(
    wanted.map(async (name) => {
      try {
        await runner('modprobe', ['-q', '--', name], { timeoutMs: hostTimeoutMs });
      } catch {
        missing.push(name);
      }
    }),
  );
  return missing;
}
