import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';

/** Programs of the user: each that ends with 0 is content. They run in the order of their names. */
const hookFolders = ['/etc/knarr/health.d', '/var/lib/knarr/health.d'] as const;
const timeoutMs = 30_000;

const isProgram = async (path: string): Promise<boolean> => {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true && (info.mode & 0o111) !== 0;
};

/** Runs all of them; gives those that are not content, with the last line that they wrote. */
export async function runHooks(host: Host): Promise<string[]> {
  const failed: string[] = [];
  for (const folder of hookFolders)
    for (const name of (await readdir(host.path(folder)).catch(() => [])).sort()) {
      const path = host.path(join(folder, name));
      if (name.startsWith('.') || !(await isProgram(path))) continue;
      try {
        await host.run(path, [], { timeoutMs });
      } catch (error) {
        failed.push(`${name}: ${lastWords(error)}`);
      }
    }
  return failed;
}

function lastWords(error: unknown): string {
  if (!(error instanceof KnarrError)) return messageOf(error);
  const { why, stderr } = error.details as { why?: string; stderr?: string };
  return [why, stderr?.trim().split('\n').at(-1)].filter((part) => part !== undefined && part !== '').join(': ');
}
