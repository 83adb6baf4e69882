import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';

/** Programs of the user: each that ends with 0 is content. They run in the order of their names. */
const hookFolders = ['/etc/knarr/health.d', '/var/lib/knarr/health.d'] as const;
const timeoutMs = 30_000;

/** Runs all of them; gives those that are not content, with the last line that they wrote. */
export async function runHooks(host: Host): Promise<string[]> {
  const failed: string[] = [];
  for (const folder of hookFolders)
    for (const name of (await readdir(host.path(folder)).catch(() => [])).sort()) {
      const path = host.path(join(folder, name));
      const executable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (!executable || name.startsWith('.')) continue;
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
